"""Host names in messages, told from names of packages and files."""

from __future__ import annotations

from ticketing.domain.patterns.word_lists import AMBIGUOUS_DOMAINS, PACKAGE_ROOTS, TOP_LEVEL_DOMAINS


def is_host(word: str) -> bool:
    """True for a host name: lower-case labels that end in a top-level domain."""
    if "." not in word or not word.islower():
        return False
    labels = word.split(".")
    if labels[0] in PACKAGE_ROOTS or not all(label for label in labels) or "$" in word:
        return False
    last = labels[-1]
    return last in TOP_LEVEL_DOMAINS or (last in AMBIGUOUS_DOMAINS and len(labels) > 2)
