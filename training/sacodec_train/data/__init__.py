"""Speech for training: recordings -> a cache of samples and pitch -> random crops of it."""
