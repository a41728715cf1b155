"""Puts the package on the path: the tests need no installation."""
