"""An upper estimate of the tokens in a text, without any model's tokenizer."""

from __future__ import annotations

import re

_PIECE = re.compile(r"([A-Za-z]+)|(\d+)|([^\x00-\x7f]+)|(\s+)|([^\w\s]+|_+)", re.ASCII)
LETTERS_PER_TOKEN = 3
"""Shorter than the pieces of words in usual vocabularies; only random letters need more tokens."""


def tokens_at_most(text: str) -> int:
    """An upper estimate for usual text: words, numbers digit by digit, other scripts by bytes.

    A tokenizer that counts exactly would have to fit the model, and some are fetched from the
    network; too high a number only makes a prompt shorter than it could be.
    """
    total = 0
    for word, number, foreign, space, mark in _PIECE.findall(text):
        if word:
            total += -(-len(word) // LETTERS_PER_TOKEN)
        elif number:
            total += len(number)
        elif foreign:
            total += len(foreign.encode())
        elif space:
            total += space.count("\n") + (len(space) > 1)
        else:
            total += len(mark)
    return total
