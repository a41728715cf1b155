"""Building and measuring SACodec model packs in Python."""
