"""Host names in messages, told from names of packages and files."""

from __future__ import annotations

import re

from ticketing.domain.patterns.word_lists import (
    AMBIGUOUS_DOMAINS,
    PACKAGE_ROOTS,
    SOURCE_FILE_ENDINGS,
    TOP_LEVEL_DOMAINS,
)

_PORT = re.compile(r"\d{2,5}(?:/.*)?", re.DOTALL)
_LABELS = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")


def is_host(word: str) -> bool:
    """True for a host name: lower-case labels that end in a top-level domain."""
    if "." not in word or not word.islower():
        return False
    labels = word.split(".")
    if labels[0] in PACKAGE_ROOTS or not all(label for label in labels) or "$" in word:
        return False
    last = labels[-1]
    return last in TOP_LEVEL_DOMAINS or (last in AMBIGUOUS_DOMAINS and len(labels) > 2)


def is_endpoint(word: str, port: str) -> bool:
    """True for labels with any last one, before a port: `db.acme.zone` and `443`, not `main.py`."""
    if "." not in word or _PORT.fullmatch(port) is None:
        return False
    word = word.lower() if word.isupper() else word
    labels = word.split(".")
    named = labels[0] in PACKAGE_ROOTS or labels[-1] in SOURCE_FILE_ENDINGS
    return not named and not labels[-1].isdigit() and _LABELS.fullmatch(word) is not None
