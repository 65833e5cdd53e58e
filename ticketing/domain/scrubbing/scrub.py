"""Takes secrets and personal data out of a text before it leaves the process.

A secret is replaced by its kind in brackets, so that a reader sees that something stood there. In
doubt a text goes: a ticket can do without an address, but nobody can take a leaked key back. A word
that a cut has left without its end goes too, unless it is a plain one: half a key is a key no more
in form, but still half of it. The time grows with the text alone (RE2).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache, lru_cache
from typing import Any

import re2

from ticketing.domain.scrubbing import kinds
from ticketing.domain.scrubbing.commands import COMMANDS
from ticketing.domain.scrubbing.folding import folded
from ticketing.domain.scrubbing.judges import LOGIN, Found, decoded, is_private
from ticketing.domain.scrubbing.keys import (
    BETWEEN,
    COLUMNS,
    KEYS,
    SESSION,
    TOKEN,
    XML,
    Key,
    secret_at,
)
from ticketing.domain.scrubbing.kinds import PRIVATE_IP, Kind
from ticketing.domain.scrubbing.prose import PROSE
from ticketing.domain.text import ELLIPSIS

SECRET = "secret"
"""The kind of what is known by its key alone."""
NEAR_CHARS = 12
"""The text on either side of a candidate that its judge gets."""
# Names, titles and reasons come again with every update of an incident; some 5 MB at most.
CACHED_TEXTS_MAX = 4_096
CACHED_CHARS_MAX = 500

MEMORY_BYTES_MAX = 64 * 2**20
"""For the states of all kinds together; RE2 takes as much of it as texts ask for."""

_BESIDE = re.compile(r"[A-Za-z0-9_-]")
_DIGITS = re.compile(r"[+(]?\d[\d()-]*")
BASE64 = (
    r"(?:^|[^A-Za-z0-9+/_-])((?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589]"
    r"[A-Za-z0-9+/_-]){3,}[A-Za-z0-9+/_-]{0,3}={0,2})"
)
"""A text of ASCII in base64 (RFC 4648): the high bit of each of three bytes is 0."""
ELEMENTS = ("<", "&lt;", "value")
GROUPS_MAX = 9
"""Groups of digits in the longest number, an IBAN, but for the last."""
_WORD = r"(?:[A-Z]?[a-z\u0080-\U0010ffff]+(?:[A-Z][a-z]{2,})*(?:[A-Z][a-z]?)?)"
_PLAIN = re.compile(rf"[\"'(\[]*(?:{_WORD}(?:\.{_WORD}){{0,20}}|(?:/{_WORD}){{1,20}})?[.,:;!?)]*")
Span = tuple[int, int, str]


def scrub(text: str, keep: Collection[str] = ()) -> str:
    """The text without keys, tokens, passwords, addresses, card numbers and the like.

    `keep` names kinds that stay (`kinds.NAMES`). Scrubbing again changes nothing.
    """
    if len(text) <= CACHED_CHARS_MAX:
        return _cached(text, frozenset(keep))
    return _scrubbed(text, frozenset(keep))


def _scrubbed(text: str, keep: frozenset[str]) -> str:
    whole, tokens, personal = _forms()
    data = folded(text)
    for find in (whole.find, _columns, _keyed, _elements, tokens.find, _encoded, personal.find):
        # Those of several kinds may overlap: the first and longest goes.
        found = sorted(find(text, data, keep), key=lambda span: (span[0], -span[1]))
        if found:
            text = _without(text, found)
            data = folded(text)
    return _without_halves(text) if ELLIPSIS in text else text


_cached = lru_cache(CACHED_TEXTS_MAX)(_scrubbed)


def _without(text: str, found: list[Span]) -> str:
    pieces, end = [], 0
    for start, stop, kind in found:
        if start >= end:
            pieces += [text[end:start], f"[{kind}]"]
            end = stop
    return "".join([*pieces, text[end:]])


class _Forms:
    """Kinds that are looked for together: one pass tells which of them a text may hold at all."""

    def __init__(self, sought: tuple[Kind, ...]) -> None:
        self._kinds = [(kind, _compiled(kind.form)) for kind in sought]
        self._all = re2.Set.SearchSet(_options())
        for kind in sought:
            self._all.Add(kind.form.encode())
        self._all.Compile()

    def find(self, text: str, data: bytes, keep: frozenset[str]) -> Iterator[Span]:
        """The spans of all that is found, by kind; `data` is the folded text."""
        for number in sorted(self._all.Match(data) or ()):
            kind, expression = self._kinds[number]
            if kind.name in keep:
                continue
            for match in expression.finditer(data):
                start, end = _span(match)
                if _holds(kind, text, start, end, keep):
                    yield start, end, kind.name


def _holds(kind: Kind, text: str, start: int, end: int, keep: frozenset[str]) -> bool:
    before, after = text[max(0, start - NEAR_CHARS) : start], text[end : end + NEAR_CHARS]
    if kind.alone and not _is_alone(before, after):
        return False
    found = Found(text[start:end], before, after)
    if kind.judge is not None and not kind.judge(found):
        return False
    return not (kind.name == "ip" and PRIVATE_IP in keep and is_private(found.text))


def _is_alone(before: str, after: str) -> bool:
    if before and (_BESIDE.match(before[-1]) or before[-1] == "."):
        return False
    return not (after and (_BESIDE.match(after[0]) or re.match(r"\.\w", after)))


def _keyed(_text: str, data: bytes, keep: frozenset[str]) -> Iterator[Span]:
    if SECRET in keep:
        return
    end, plain = 0, data.decode("latin-1")
    for match in _keys().finditer(data):
        if match.start() < end:
            continue
        between = plain[match.start(BETWEEN) : match.end()]
        found = secret_at(plain, match.start(), match.end(), _key(match), between)
        if found is not None:
            end = found.end
            yield found.start, found.end, SECRET


def _key(match: Any) -> Key:
    if match.start(TOKEN) >= 0:
        return Key.TOKEN
    return Key.SESSION if match.start(SESSION) >= 0 else Key.PASSWORD


def _columns(text: str, data: bytes, keep: frozenset[str]) -> Iterator[Span]:
    return _matches(_sql(), text, data, keep) if "'" in text else iter(())


def _elements(text: str, data: bytes, keep: frozenset[str]) -> Iterator[Span]:
    return (
        _matches(_xml(), text, data, keep) if any(mark in text for mark in ELEMENTS) else iter(())
    )


def _matches(form: Any, text: str, data: bytes, keep: frozenset[str]) -> Iterator[Span]:
    if SECRET in keep:
        return
    for match in form.finditer(data):
        start, end = _span(match)
        if not text.startswith("[", start):
            yield start, end, SECRET


def _encoded(text: str, data: bytes, keep: frozenset[str]) -> Iterator[Span]:
    """Words in base64 that hold a secret."""
    if SECRET in keep:
        return
    for match in _base64().finditer(data):
        start, end = match.span(1)
        inside = decoded(text[start:end])
        if inside is None:
            continue
        whole, tokens, _ = _forms()
        login = text[end - 1] == "=" and LOGIN.fullmatch(inside)
        finds = (whole.find, _keyed, tokens.find)
        if login or any(any(find(inside, inside.encode(), keep)) for find in finds):
            yield start, end, SECRET


def _span(match: Any) -> tuple[int, int]:
    """The span of the part that goes: of the group that matched, else of the whole match."""
    groups = range(1, match.re.groups + 1)
    number = next((one for one in groups if match.start(one) >= 0), 0)
    return match.start(number), match.end(number)


def _without_halves(text: str) -> str:
    """The text without words that a cut has left without their end, unless they are plain."""
    *before, last = text.split(ELLIPSIS)
    return ELLIPSIS.join([*map(_without_half, before), last])


def _without_half(text: str) -> str:
    """A text that a cut has ended, without its last word; without the digits before a digit too."""
    words = text.rsplit(None, GROUPS_MAX)
    if not words or text[-1].isspace() or _PLAIN.fullmatch(words[-1]):
        return text
    gone = len(words[-1])
    if _DIGITS.fullmatch(words[-1]):
        for word in reversed(words[:-1]):
            if not _DIGITS.fullmatch(word):
                break
            gone = len(text) - text.rindex(word, 0, len(text) - gone)
    return text[: len(text) - gone]


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = MEMORY_BYTES_MAX
    return options


def _compiled(form: str) -> Any:
    return re2.compile(form.encode(), options=_options())


@cache
def _forms() -> tuple[_Forms, _Forms, _Forms]:
    return _Forms(kinds.WHOLE), _Forms((*kinds.TOKENS, *COMMANDS, *PROSE)), _Forms(kinds.PERSONAL)


@cache
def _keys() -> Any:
    return _compiled(KEYS)


@cache
def _xml() -> Any:
    return _compiled(XML)


@cache
def _sql() -> Any:
    return _compiled(COLUMNS)


@cache
def _base64() -> Any:
    return _compiled(BASE64)
