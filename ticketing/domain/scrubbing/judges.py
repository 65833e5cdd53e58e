"""Judges of candidates: whether a text of a fitting form is a secret or personal data indeed.

Each takes the candidate with the text around it, and is linear in the candidate's length.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from ticketing.domain.text import ELLIPSIS

_VERSION = re.compile(
    r"(?:version|release|build|ver|rev|agent)[ :=/]{1,2}\Z|[A-Za-z]/\Z|\bv\Z", re.IGNORECASE
)
PATH = r"(?-i:~?(?:/[a-z0-9_.-]{1,60}){2,12})"
"""The path of a file or directory, as programs name it; no key is of small letters alone."""
_NO_VALUE = re.compile(
    rf"-.*|<[^<>]*>|{PATH}|(?:flag|option|argument|requires?|is|was|not|must|missing|and|or|for)\b.*"
)
_NO_CREDENTIALS = re.compile(
    r"(?:denied|failed|failure|required|missing|invalid|expired|error|unauthorized|forbidden|none|"
    r"null|not|header|headers|rejected|refused|granted|passed|disabled|enabled|was|has)[.:!]?",
    re.IGNORECASE,
)
_COLUMN = re.compile(r"(?:n?var)?(?:char2?|binary)\(\d+\)?.*", re.IGNORECASE)
"""The type of a column in SQL."""
_PARTS = re.compile(r"[/_-]")
_NUMBER = re.compile(r"\d+(?:T\d+)?Z?|[0-9a-f]+|[0-9A-F]+")
_WORDS = re.compile(r"[A-Za-z]+(?:\d{1,8}[A-Za-z]+)*(?:\d{1,8})?")
_WORD = re.compile(r"[A-Z][a-z]+\d*|[a-z]+\d*|[A-Z]{1,3}\d*")
IPV6_CHARS_MIN = 7
"""As fe80::1 has; what is shorter is a slice of a list, as in a[::2]."""
WORD_CHARS_MIN = 3.5
"""The mean length of words in a name; of random characters it is some 2.5."""
NAME_CHARS_MAX = 64
"""A longer word is a key in base64; long names of classes have some fifty."""
SHORT_CHARS = 3
"""Nothing is known of so short a part of a name."""
RANDOM_CHARS_MIN = 20
"""Characters that are left without the parts that are names: keys have more."""
_FILES = ("service", "socket", "timer", "mount", "target", "scope", "slice", "jar", "lock", "local")
"""Endings of units and files whose names have an @, as in getty@tty1.service."""
_REPOSITORIES = ("git@", "hg@", "svn@")
_OWN_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        (
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
            *("fc00::/7", "fe80::/10"),
        ),
    )
)
"""RFC 1918, 3927, 6598, 4193 and 4291."""
_COUNTED = re.compile(
    r"(?:(?:trace|span)[_.-]?|\b|_)(?:id|order|offset|seq|sequence|count|bytes|size|time|ts|"
    r"timestamp|nanos|batch|message|msg|request|txn|transaction|invoice|ticket|version|lsn)"
    r"[\"']?(?:[:=#]|\s)[ #]?[\"']?\Z",
    re.IGNORECASE,
)
"""Before a number of another kind; one in ten of those passes the checksum of cards."""
_LENGTHS = (
    (re.compile(r"4"), (16,)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"30[0-5]|36|38"), (14,)),
    (re.compile(r"352[89]|35[3-8]"), (16,)),
    (re.compile(r"6011|64[4-9]|65"), (16,)),
    (re.compile(r"62"), (16, 19)),
)
"""The beginnings and lengths of card numbers, as their issuers have them (ISO/IEC 7812)."""


LOGIN = re.compile(r"[\w.@-]{1,60}:[^\s:]{1,200}")
"""A user and a password, as basic authentication has them."""
_URL_SAFE = str.maketrans("-_", "+/")


class Found(NamedTuple):
    """A candidate, and the texts right before and after it, of a few characters."""

    text: str
    before: str
    after: str


def telling(found: Found) -> bool:
    """A token and no word: it holds a digit or a mark that no word has."""
    text = found.text
    return len(text) >= 24 or any(c.isdigit() or c in "=._~+/" for c in text[:-1])


def has_digits(found: Found) -> bool:
    """At least three digits, as no name of this form has."""
    return sum(c.isdigit() for c in found.text) >= 3


def mixed(found: Found) -> bool:
    """Letters and digits together, six characters at least: a password and no word of a sentence.

    A word that was cut may have been one.
    """
    if found.text.endswith(ELLIPSIS):
        return True
    if _COLUMN.fullmatch(found.text):
        return False
    text = found.text.rstrip(".,;:!?)")
    kinds = any(c.isdigit() for c in text), any(c.isalpha() for c in text)
    return len(text) >= 6 and all(kinds) and not text.lower().startswith(("sha", "md5", "v1", "v2"))


def login(found: Found) -> bool:
    """A user and a password in base64."""
    return bool(LOGIN.fullmatch(decoded(found.text) or ""))


def decoded(word: str) -> str | None:
    """The text of a word in base64; None if it is no text of ASCII."""
    core = word.rstrip("=").translate(_URL_SAFE)
    core = core[:-1] if len(core) % 4 == 1 else core
    try:
        text = base64.b64decode(core + "=" * (-len(core) % 4)).decode("ascii")
    except ValueError:
        return None
    return text if text.replace("\n", "").replace("\t", "").isprintable() else None


def has_letters(found: Found) -> bool:
    """Letters, as no version and no row of numbers has."""
    return any(c.isalpha() for c in found.text)


def assigns(found: Found) -> bool:
    """A cookie has a name and a value, also in a dict."""
    return "=" in found.text or (found.text.startswith("{") and ":" in found.text)


def key_like(found: Found) -> bool:
    """Digits and letters in one part, and no name of parts such as `default-token-7d9f8`."""
    parts = _PARTS.split(found.text)
    return any(
        len(part) >= 8 and has_two(part, str.isdigit) and has_two(part, str.isalpha)
        for part in parts
    )


def has_two(text: str, holds: Callable[[str], bool]) -> bool:
    """True if at least two characters are of a kind."""
    return sum(map(holds, text)) >= 2


def all_kinds(found: Found) -> bool:
    """Small letters, capitals and digits."""
    tests = (str.isdigit, str.isupper, str.islower)
    return all(any(map(test, found.text)) for test in tests)


def no_prose(found: Found) -> bool:
    """The value of a header, and no word of a sentence about it."""
    return not _NO_CREDENTIALS.fullmatch(found.text)


def no_flag(found: Found) -> bool:
    """The value of a flag, and not the next flag, a placeholder, the name of a file or a word."""
    return not _NO_VALUE.fullmatch(found.text)


def not_done(found: Found) -> bool:
    """Credentials, and not the kind of those that went already."""
    return not found.text.endswith("]")


def no_port(found: Found) -> bool:
    """A password, and not a port with the path behind it."""
    return not re.match(r"[^:]*:\d{1,5}(?:[/?#]|\Z)", found.text)


def mailbox(found: Found) -> bool:
    """An address of a person or a service, and no name of a unit, a file or a host's user."""
    if found.text.lower().startswith(_REPOSITORIES):
        return False
    if found.before.endswith("://") and "%40" not in found.text:
        return False
    return found.text.rpartition(".")[2].lower() not in _FILES


def mac(found: Found) -> bool:
    """Six octets and no more: a longer row is a digest."""
    return found.after[:1] not in (":", "-") and found.before[-1:] not in (":", "-")


def ipv4(found: Found) -> bool:
    """An address of a machine: not this very one, and not a version."""
    if found.text.startswith("127.") or found.text == "0.0.0.0":
        return False
    return bool(re.match(r":\d", found.after)) or not _VERSION.search(found.before)


def ipv6(found: Found) -> bool:
    """An address of a machine, and neither this very one nor a time or a name of C++."""
    if (found.before[-1:].isalnum() or found.before[-1:] in "_.") and found.before:
        return False
    if found.after[:1].isalnum() or found.after[:1] == "_":
        return False
    try:
        address = ipaddress.IPv6Address(found.text)
    except ValueError:
        return False
    telling = any(c.isdigit() for c in found.text)
    if len(found.text) < IPV6_CHARS_MIN:
        return False
    return telling and not (address.is_loopback or address.is_unspecified)


def is_private(text: str) -> bool:
    """True for an address that only machines of the same network reach (`_OWN_NETWORKS`)."""
    try:
        address = ipaddress.ip_address(re.sub(r"\A(?:ip|ec2)-", "", text).replace("-", "."))
    except ValueError:
        return False
    return any(address in network for network in _OWN_NETWORKS)


def iban(found: Found) -> bool:
    """The checksum fits (ISO 13616)."""
    text = found.text.replace(" ", "").upper()
    if len(text) > 34:
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def card(found: Found) -> bool:
    """Beginning, length and checksum are those of a card (ISO/IEC 7812)."""
    if _COUNTED.search(found.before):
        return False
    digits = "".join(str(int(c)) for c in found.text if c.isdecimal())
    fits = any(start.match(digits) and len(digits) in lengths for start, lengths in _LENGTHS)
    return fits and _luhn(digits)


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def ssn(found: Found) -> bool:
    """A number that the US Social Security Administration gives out."""
    area, group, serial = found.text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def phone(found: Found) -> bool:
    """Seven to fifteen digits (ITU-T E.164)."""
    return 7 <= sum(c.isdigit() for c in found.text) <= 15


def random(found: Found) -> bool:
    """A long word that mixes cases and digits as no name does, and no path."""
    text = "".join(part for part in _PARTS.split(found.text) if not _is_name(part))
    if len(text) < RANDOM_CHARS_MIN:
        return False
    turns = sum(a.isdigit() != b.isdigit() for a, b in pairwise(text))
    kinds = (
        sum(c.isdigit() for c in text) >= 3,
        sum(c.isupper() for c in text) >= 3,
        sum(c.islower() for c in text) >= 3,
    )
    return all(kinds) and turns >= 5


def _is_name(part: str) -> bool:
    """A part that people or programs have named: a number, a digest, or words in a row."""
    if len(part) <= SHORT_CHARS or _NUMBER.fullmatch(part):
        return True
    if len(part) > NAME_CHARS_MAX or not _WORDS.fullmatch(part):
        return False
    return len(part) >= WORD_CHARS_MIN * len(_WORD.findall(part))
