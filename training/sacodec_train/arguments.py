"""Values of a command line with their range: argparse says what was expected, before any work is done."""
import argparse
import math
import re


def within(kind, low, high=math.inf, above=False):
    """A number of `kind` from `low` to `high`; `above`: more than `low`."""
    expected = f"more than {low:g}" if above else f"at least {low:g}" if high == math.inf else f"{low:g} to {high:g}"

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        # Not `<` and `>`: NaN must not pass.
        if not (low < value <= high if above else low <= value <= high):
            raise argparse.ArgumentTypeError(f"{text!r}, expected {'a whole number, ' if kind is int else ''}{expected}")
        return value
    return parse


def language(text):
    """A language as ISO 639 writes it: two or three lower-case letters."""
    if not re.fullmatch("[a-z]{2,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r}, expected two or three lower-case letters, such as en")
    return text
