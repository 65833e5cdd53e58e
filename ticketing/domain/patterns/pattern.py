"""The error pattern of a message: the text that stays when ids, numbers and other values are masked."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ticketing.domain.patterns.codes import codes_of
from ticketing.domain.patterns.frames import only_frames
from ticketing.domain.patterns.masking import CUT_CHARS_MIN, mask
from ticketing.domain.patterns.own_rules import Replacement
from ticketing.domain.patterns.reading import Reading, read
from ticketing.domain.patterns.shape import shaped
from ticketing.domain.patterns.values_only import kinds_of, says_nothing
from ticketing.domain.patterns.word import MASK

CODE_VERSION = "4"
"""Rises whenever the same text may get another pattern: then counting starts afresh."""
TEXT_CHARS_MAX = 2048
"""A message names its fault early, and masking takes time in proportion to the text."""
PATTERN_CHARS_MAX = 512
"""Well below TEXT_CHARS_MAX, so that the place where a text was cut never shows."""
SAID_DEPTH_MAX = 3
"""JSON in the text of JSON: a log in a container's line in a shipper's, and one more."""
REMEMBERED_MAX = 8_192
"""Shapes whose mask is remembered: some 8 MB at most, as each is shorter than CUT_CHARS_MIN."""

# A message that the mask has left readable: nearly all JSON has one, and need not be decoded.
_TOLD = re.compile(
    r'"(?:message|msg|error|err|error_message|errormessage|reason|detail)" ?:"?[^\W\d_]',
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_KEY = re.compile(r'"[^"]{0,200}" ?:')


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An own masking rule: each match of the regular expression `pattern` becomes `replace`."""

    name: str
    pattern: str
    replace: str = MASK


class Key(NamedTuple):
    """The pattern of a text and the codes that name its fault, such as `exit 137`, or none."""

    pattern: str
    codes: str = ""
    traced: bool = False
    """True for a text with a stack trace."""

    def shown(self) -> str:
        """The pattern as people see it, with its codes: `worker ended with code <*> [exit 137]`."""
        return f"{self.pattern} [{self.codes}]" if self.codes else self.pattern


class Patterns:
    """Finds patterns. Equal texts and rules give equal patterns: the memory of masks never shows.

    Raises ValueError naming the rule whose regular expression or replacement is not valid.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        rules = tuple(rules)
        self._rules = [Replacement(rule.name, rule.pattern, rule.replace) for rule in rules]
        self.version = _version(rules)
        """Identifies code and own rules: patterns of different versions are not comparable."""
        self._mask = functools.lru_cache(REMEMBERED_MAX)(mask)

    def of(self, text: str) -> str:
        """The pattern of a message, in time bounded by the first 2 kB and a trace's frames.

        Own rules come first, in their order, and see the first 2 kB or the trace's message only. Never
        of placeholders alone: such a text has the kinds of its values.
        """
        return self._of(read(text))

    def key(self, text: str) -> Key | None:
        """The pattern and the codes that a fault is known by.

        None for lines of a stack trace: these are part of a fault that another record names.
        """
        reading = read(text)
        if only_frames(reading):
            return None
        said = reading.text if reading.trace is None else reading.trace.message
        codes = codes_of(_cut(said.lstrip(), TEXT_CHARS_MAX))
        return Key(self._of(reading), codes, reading.trace is not None)

    def _of(self, reading: Reading, depth: int = 0) -> str:
        trace = reading.trace
        if trace is None:
            masked = self._masked(reading.text)
            told = "\\u" not in reading.text and _TOLD.search(masked) is not None
            said = "" if told else reading.said()
            if said:
                masked = self._with_said(masked, said, depth)
            return kinds_of(self._replaced(reading.text)) if says_nothing(masked) else masked
        message = self._masked(trace.message) if trace.message else ""
        head = f"{trace.exception}: {message}" if message else trace.exception
        frames = "".join(f" at {frame}" for frame in trace.frames)
        return _cut(head, PATTERN_CHARS_MAX) + frames

    def _with_said(self, masked: str, said: str, depth: int) -> str:
        """The pattern of a JSON object, with what it says, unless a word of this is there already.

        The value of a key that is not known for messages is masked as a whole, and so are escapes
        of letters.
        """
        if says_nothing(self._masked(said)):
            return masked
        inner = self._of(read(said), depth + 1) if depth < SAID_DEPTH_MAX else self._masked(said)
        values = set(_WORD.findall(_KEY.sub("", masked)))
        if not values.isdisjoint(_WORD.findall(inner)):
            return masked
        return _cut(f"{inner} in {masked}", PATTERN_CHARS_MAX)

    def _masked(self, text: str) -> str:
        text = self._replaced(text)
        masked = self._mask(shaped(text)) if len(text) < CUT_CHARS_MIN else mask(text)
        return _cut(masked, PATTERN_CHARS_MAX)

    def _replaced(self, text: str) -> str:
        text = _cut(text.lstrip(), TEXT_CHARS_MAX)
        for rule in self._rules:
            text = rule.apply(text)
        return text[:TEXT_CHARS_MAX]


def _cut(text: str, chars_max: int) -> str:
    """The text in at most so many characters, cut between words if possible."""
    if len(text) <= chars_max:
        return text
    head = text[:chars_max]
    words = head.rsplit(None, 1)
    return words[0] if words else ""


def _version(rules: tuple[Rule, ...]) -> str:
    if not rules:
        return CODE_VERSION
    digest = hashlib.blake2b(digest_size=4)
    for rule in rules:
        for part in (rule.pattern, rule.replace):
            digest.update(b"%d:" % len(part.encode()) + part.encode())
    return f"{CODE_VERSION}-{digest.hexdigest()}"
