"""Tells whether one word is a name that stays or a value that is masked."""

from __future__ import annotations

import re
from itertools import pairwise

from ticketing.domain.patterns.host import is_endpoint, is_host
from ticketing.domain.patterns.scripts import is_unspaced, mask_numbers, mask_runs
from ticketing.domain.patterns.word_lists import (
    DATA_FILE_ENDINGS,
    MESSAGE_CODE_PREFIXES,
    NAMES_WITH_DIGITS,
    NO_VOWELS,
    PACKAGE_ROOTS,
    UNITS,
)

MASK = "<*>"

_DIGIT = re.compile(r"\d")
_ALNUM = re.compile(r"[^\W_]")
_TAIL = ".:!?…"
_TAIL_NO_COLON = ".!?…"
_SEPARATOR = re.compile(r"[-_.]")
_HEX_LETTERS = re.compile(r"[a-f]{8,}|[A-F]{8,}")
_ADDRESS = re.compile(r"[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*(?:[%/]\w+)?")
_OBJECT = re.compile(r"([A-Za-z_\[][\w.$/\[;-]*)@[0-9a-fA-F]{1,16}")
_POD_SUFFIX = re.compile(r"-([bcdfghjklmnpqrstvwxz]{5})$")
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z_$0-9]*")
_CAMEL_NAME = re.compile(r"[A-Za-z]+\d{1,3}(?:[A-Z][a-z]{2,30})+")
_MESSAGE_CODE = re.compile(rf"(?:{MESSAGE_CODE_PREFIXES})-?\d{{3,7}}[A-Z]?")
_PLAIN_PAIR = re.compile(r"(?:[^\W\d]|-)+/(?:[^\W\d]|[+-])+")
_PADDED = re.compile(r"([^\W\d]+)([.:_=~*-])\2+([+-]?\d[\d.,]*%?)")
_VERSIONED = re.compile(r"([A-Za-z][A-Za-z_-]*)/v?\d[\w.\-+]*")
_LOG_POSITION = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{5,8}")
_DIGITS_IN_NAME_MAX = 2
"""Names in code hold a digit or two (`Utf8Reader`, `base64`); a word with more is an id."""
_LETTERS_MAX = 64
"""Longer than names are: so many letters in one case were written by no one."""


def is_variable(word: str) -> bool:
    """True if anything in the word would be masked."""
    return MASK in mask_word(word)


def mask_word(word: str, *, called: bool = False) -> str:
    """The word with its variable parts masked. `called`: an opening parenthesis follows directly."""
    if is_unspaced(word):
        return mask_runs(word, MASK, mask_word)
    # The two colons at the end of an IPv6 address are part of it.
    whole = word.rstrip(_TAIL_NO_COLON)
    if whole.endswith("::") and len(whole) > 2 and _ADDRESS.fullmatch(whole):
        return MASK + word[len(whole) :]
    core = word.rstrip(_TAIL)
    if not core:
        return word
    return _mask_core(core, called) + word[len(core) :]


def _mask_core(core: str, called: bool) -> str:
    if core.isalpha():
        return MASK if _is_random(core) else core
    if _ALNUM.search(core) is None:
        return core
    if "\\" in core:
        return MASK
    padded = _PADDED.fullmatch(core)
    if padded:
        return f"{padded.group(1)}{padded.group(2) * 2}{MASK}"
    if "@" in core:
        return _with_at(core)
    if ":" in core:
        return _with_colons(core, called)
    if "/" in core:
        return _with_slashes(core)
    return _simple(core, called)


def _with_at(core: str) -> str:
    name, _, rest = core.partition("@")
    if not name:
        return "@" + _simple(rest, False) if "@" not in rest and "/" not in rest else MASK
    if _OBJECT.fullmatch(core) and (_DIGIT.search(rest) or "." in name or name[0].isupper()):
        return f"{_simple(name, True)}@{MASK}"
    return MASK


def _with_colons(core: str, called: bool) -> str:
    if _ADDRESS.fullmatch(core) and len(core) > 2:
        return MASK
    if "::" in core:
        return ":".join(_simple(part, True) if part else "" for part in core.split(":"))
    first, _, rest = core.partition(":")
    if is_endpoint(first, rest):
        return MASK
    if len(first) == 1 or "/" in first or (_DIGIT.search(first) and not _is_name(first, called)):
        return MASK if "/" in core or _DIGIT.search(core) else core
    return ":".join(_part(part, called) for part in core.split(":"))


def _part(part: str, called: bool) -> str:
    if not part:
        return ""
    return _with_slashes(part) if "/" in part else _simple(part, called)


def _with_slashes(core: str) -> str:
    if _PLAIN_PAIR.fullmatch(core):
        return core
    versioned = _VERSIONED.fullmatch(core)
    if versioned and not _LOG_POSITION.fullmatch(core):
        return f"{versioned.group(1)}/{MASK}"
    return MASK


def _simple(core: str, called: bool) -> str:
    """A word without slashes, colons or an at sign."""
    if core.isalpha():
        return MASK if _is_random(core) else core
    if is_host(core) or _is_data_file(core):
        return MASK
    if _DIGIT.search(core) is None:
        return MASK if _is_pod(core) or _is_random(core) else core
    if not core.isascii() and _is_word_of_letters(core):
        return mask_numbers(core, MASK)
    return core if _is_name(core, called) else MASK


def _is_word_of_letters(word: str) -> bool:
    """True for a word with letters that are not English; `µs` after a number is a unit."""
    foreign = any(char.isalpha() and not char.isascii() for char in word)
    return foreign and word.lstrip("0123456789.,+-").lower() not in UNITS


def _is_random(word: str) -> bool:
    """True for letters that no one has written: hex digits, base64, or one endless word."""
    if len(word) < 8 or not word.isascii():
        return False
    if _HEX_LETTERS.fullmatch(word):
        return True
    if not word.isalpha():
        return False
    if len(word) >= 20 and not word.islower() and not word.isupper():
        flips = sum(a.islower() and b.isupper() for a, b in pairwise(word))
        return flips * 4 > len(word)
    return len(word) > _LETTERS_MAX


def _is_pod(word: str) -> bool:
    suffix = _POD_SUFFIX.search(word)
    return suffix is not None and suffix.group(1) not in NO_VOWELS


def _is_data_file(word: str) -> bool:
    name, dot, ending = word.rpartition(".")
    return bool(dot and name) and ending.lower() in DATA_FILE_ENDINGS


def _is_name(word: str, called: bool) -> bool:
    """True for a word with digits that is a name all the same."""
    if _CAMEL_NAME.fullmatch(word) or _MESSAGE_CODE.fullmatch(word):
        return True
    numbered = [part for part in _SEPARATOR.split(word) if _DIGIT.search(part)]
    if all(part.lower() in NAMES_WITH_DIGITS for part in numbered):
        return True
    labels = word.split(".")
    if not all(_IDENTIFIER.fullmatch(label) for label in labels):
        return False
    digits = sum(char.isdigit() for char in word)
    if digits > _DIGITS_IN_NAME_MAX:
        return False
    return labels[0] in PACKAGE_ROOTS or (called and not word[-1].isdigit())
