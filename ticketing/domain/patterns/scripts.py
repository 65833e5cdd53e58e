"""Words in other writing systems than the English one: only the values inside them are masked."""

from __future__ import annotations

import re
from collections.abc import Callable

# Thai, Lao, Myanmar, Khmer; Chinese and Japanese with their punctuation; Korean, which joins its
# particles to what stands before; full-width forms.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff01-\uffef"
    "\U00020000-\U0003ffff"
)
"""Characters of scripts that put no space between words, as the inside of a class."""

_UNSPACED = re.compile(f"[{UNSPACED}]")
_RUNS = re.compile(f"([{UNSPACED}]+)")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,:\u066b\u066c\uff0e]\d{1,40})*%?")


def is_unspaced(word: str) -> bool:
    """True if a word holds characters of a script that puts no space between words."""
    return not word.isascii() and _UNSPACED.search(word) is not None


def mask_runs(word: str, mask: str, masked: Callable[[str], str]) -> str:
    """A word with characters of an unspaced script: in these only the numbers become `mask`.

    `masked` masks each run of other characters, as the word that it is.
    """
    runs = _RUNS.split(word)
    return "".join(
        mask_numbers(run, mask) if place % 2 else masked(run)
        for place, run in enumerate(runs)
        if run
    )


def mask_numbers(word: str, mask: str) -> str:
    """The word with `mask` for each of its numbers, in the digits of any script."""
    return _NUMBER.sub(mask, word)
