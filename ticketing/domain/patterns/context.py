"""The words around a word or a quotation, which tell whether it names somebody or says something."""

from __future__ import annotations

import re
from typing import NamedTuple

from ticketing.domain.patterns.scripts import UNSPACED
from ticketing.domain.patterns.word_lists import (
    FAULT_WORDS,
    ID_KEYS,
    NOT_VALUES,
    OUTCOME_KEYS,
    SOURCE_FILE_ENDINGS,
    words,
)

_THEN_VERB = re.compile(
    r"\s(?:from|by|at|logged|has|had|is|was|does|did|do|can|cannot|could|couldn't|can't|would|will"
    r"|should|may|might|must|tried|attempted|connected|disconnected|failed|exceeded|requested|lacks"
    r"|needs|entered|signed|isn't|doesn't|wasn't|hasn't)\b"
)
_THEN_ORIGIN = re.compile(r"\sfrom\s(?:<|\d|[\w-]{1,63}\.[\w-]|[0-9a-fA-F]{0,4}:)")
_THEN_FROM = re.compile(r"\sfrom\s")
_END = re.compile(r"\s{0,9}$")
_BEFORE_USER = words(
    """
    for invalid illegal unknown of by from as to su find add delete remove lock unlock ban
    block
    """
)
_NEVER_USERS = words(
    """
    invalid illegal unknown non-existent nonexistent
    """
)
_BEFORE_FOR = words(
    """
    failure failures password publickey login logon
    """
)
_BEFORE_FOR_FROM = _BEFORE_FOR | words(
    """
    session logins logons access authentication accepted denied granted credentials lockout
    keyboard-interactive keyboard-interactive/pam attempts sign-in signin password/none
    """
)
_ACCOUNTS = words(
    """
    login logon logout logoff signin sign-in lockout impersonation
    """
)
_AS = words(
    """
    logged login authenticated authenticate signed in
    """
)

_ENDPOINT = re.compile(r"([A-Za-z][\w-]*):\d{2,5}")
_BEFORE_HOST = words(
    """
    to from at via with by host server peer broker node endpoint address connect connecting
    connected reach reaching contact contacting dial dialing tcp proxy resolve listening
    """
)

TELLING = _BEFORE_HOST | words("user for of by as username")
"""Words after which `is_person` or `is_host_after` may be true."""

_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]{1,40})*[.,:;!?]?")
_UNSPACED = re.compile(f"[{UNSPACED}]{{4}}")
"""Four characters of a script without spaces are more than a name."""
_SENTENCE_WORDS_MIN = 3
"""Two words may be a name (`bob smith`); three in lower case are a sentence."""
_STATE_LINKS = words(
    """
    from to is was now be became becomes into -> => state status phase mode stage health
    transition condition to: from: still
    """
)
_STATE_WORD = re.compile(
    r"\b(?:stat(?:e|es|us)|phase|mode|stage|health|transition(?:ed|s|ing)?|condition)\b",
    re.IGNORECASE,
)
_STATE_CHARS_MAX = 300
"""A sentence: a text of a thousand quotations is not searched a thousand times in full."""
_CAPITALS = re.compile(r"[A-Z]{2}[A-Z_]*(?:[ -][A-Z_]{2,40}){0,3}")
_BOOLEANS = words(
    """
    true false yes no
    """
)


class Around(NamedTuple):
    """The words before a word, in lower case, and the text with the position where the word ends."""

    before: str
    last: str
    text: str
    end: int


def is_id_key(key: str) -> bool:
    """True if the name of a thing, not a message, follows this key and a colon."""
    return key.lower() in ID_KEYS or key.endswith(("Id", "ID", "_id", "-id", "Name", "_name"))


def is_person(word: str, around: Around) -> bool:
    """True if the words around a word make it somebody's name."""
    before, last, text, end = around
    if last == "user":
        if before in _NEVER_USERS and _THEN_ORIGIN.match(text, end):
            return True
        if word.lower() in NOT_VALUES:
            return False
        return before in _BEFORE_USER or _THEN_VERB.match(text, end) is not None
    if last == "for":
        if word.lower() in NOT_VALUES:
            return False
        if before in _BEFORE_FOR or _THEN_ORIGIN.match(text, end):
            return True
        return before in _BEFORE_FOR_FROM and _THEN_FROM.match(text, end) is not None
    if last in ("of", "by", "as", "username") and word.lower() not in NOT_VALUES:
        if last == "username":
            return _THEN_VERB.match(text, end) is not None or _END.match(text, end) is not None
        return before in (_AS if last == "as" else _ACCOUNTS)
    return False


def is_host_after(word: str, last: str) -> bool:
    """True for `redis:6379` where a word such as `to` makes it a host with its port."""
    if last not in _BEFORE_HOST:
        return False
    found = _ENDPOINT.fullmatch(word)
    return found is not None and found.group(1).lower() not in SOURCE_FILE_ENDINGS


def is_said(quoted: str, last: str) -> bool:
    """True for a quotation that is a sentence, not a name; `last` is the word before it."""
    if is_id_key(last):
        return False
    words = quoted.split()
    if not words or any(word[0].isupper() and not word.isupper() for word in words[1:]):
        return False
    plain = sum(_PLAIN_WORD.fullmatch(word) is not None for word in words)
    if len(words) >= _SENTENCE_WORDS_MIN:
        return plain >= _SENTENCE_WORDS_MIN
    return plain == len(words) and words[-1].rstrip(".,:;!?").lower() in FAULT_WORDS


def is_said_in_other_scripts(quoted: str, last: str) -> bool:
    """True for two words or more of another script than English, as after `failed:`; names of people
    begin with capitals, or have up to three characters where no spaces are written."""
    if quoted.isascii() or is_id_key(last):
        return False
    if _UNSPACED.search(quoted):
        return True
    words = quoted.split()
    if any(word[0].isupper() and not word.isupper() for word in words[1:]):
        return False
    return len(words) > 1 and all(_PLAIN_WORD.fullmatch(word) for word in words)


def is_state(quoted: str, last: str, text: str) -> bool:
    """True for a quoted state, as in `state changed from 'RUNNING' to 'FAILED'`."""
    if last not in _STATE_LINKS:
        return False
    if _CAPITALS.fullmatch(quoted):
        return True
    return quoted.isalpha() and _STATE_WORD.search(text, 0, _STATE_CHARS_MAX) is not None


def is_outcome(key: str | None, word: str, text: str, end: int) -> bool:
    """True for the value of `healthy=false`: the very outcome that a text tells.

    Not in `ready = true`, which lists settings.
    """
    if key not in OUTCOME_KEYS or word.rstrip(".,!").lower() not in _BOOLEANS:
        return False
    start = end - len(word)
    if text[start - 1 : start] == "=":
        return True
    return key != "ok" and text[max(0, start - 2) : start].rstrip().endswith(":")
