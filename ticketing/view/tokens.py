"""The tokens of the search index: those of a text, of a filter, and of what somebody looks for.

A word is cut into runs of three characters, so that any part of it is found. Scripts without spaces
are looked for by one or two characters as well, other words of that length as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

GRAM = 3
"""Rare enough that few entries share one, common enough that the index has few of them."""
_TAG_BYTES = 16
"""Long enough that nobody finds two names with one token: a tenant's name is a filter."""


def folded(text: str) -> str:
    """A text as it is searched: in no case, and without the characters that end one for SQLite."""
    return text.casefold().replace("\0", " ")


def tag(name: str) -> str:
    """The token of a filter's value, such as `status:open`. No text has one: it is too long."""
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=_TAG_BYTES).hexdigest()


def tokens(text: str) -> list[str]:
    """The tokens of a folded text, each once."""
    return list(dict.fromkeys(token for word in text.split() for token in _of_word(word)))


def _of_word(word: str) -> Iterator[str]:
    if len(word) < GRAM:
        yield word
    for at in range(len(word) - GRAM + 1):
        yield word[at : at + GRAM]
    if word.isascii():
        return
    for at, character in enumerate(word):
        if not character.isascii():
            yield character
            yield word[at : at + 2]


def expression(words: Sequence[str], filters: Iterable[Sequence[str]]) -> str:
    """The MATCH expression of FTS5: all words, and of each filter one of its values.

    A word's tokens may stand apart in a text: whoever asks looks for the word as a whole too.
    """
    parts = [_any(tag(value) for value in values) for values in filters]
    parts += [_quoted(token) for word in words for token in _looked_for(word)]
    return " AND ".join(parts)


def _looked_for(word: str) -> list[str]:
    """The fewest tokens that cover a word."""
    if len(word) <= GRAM:
        return [word]
    starts = {*range(0, len(word) - GRAM, GRAM), len(word) - GRAM}
    return [word[at : at + GRAM] for at in sorted(starts)]


def _any(values: Iterable[str]) -> str:
    return "(" + " OR ".join(_quoted(value) for value in values) + ")"


def _quoted(token: str) -> str:
    return '"' + token.replace('"', '""') + '"'
