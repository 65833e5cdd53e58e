"""Plain text for people: clean, in lines, of a length and size; times and lists of names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timezone

ELLIPSIS = "…"
ELLIPSIS_BYTES = len(ELLIPSIS.encode())

# ANSI escape sequences: a control string with its end (titles and links of terminals), CSI with its
# parameters (colours), and the short ones. No part can match what its neighbour matches, and a
# control string ends at the next escape or line: the time grows with the text alone.
_ESCAPE_SEQUENCE = (
    r"\x1b[\]PX^_][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"
    r"|\x9b[0-?]+[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]?"
)
# Control characters besides newline and tab; the soft hyphen, zero-width and invisible characters,
# the controls of writing direction, tags (invisible ASCII), noncharacters.
_UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200c\u200e\u200f\u202a-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
)
# The zero-width joiner stays inside of an emoji alone.
_JOINED = r"\u2190-\u2bff\U0001f000-\U0001faff"
_STRAY_JOINER = rf"(?<![{_JOINED}\ufe0f])\u200d|\u200d(?![{_JOINED}])"

_UNWANTED = re.compile(f"{_ESCAPE_SEQUENCE}|[{_UNSEEN}]|{_STRAY_JOINER}")
# The same besides tabs and line ends, and both separators of lines.
_ACTIVE = re.compile(rf"[\x0d{_UNSEEN}\u2028\u2029\ud800-\udfff]")
_OTHER_LINE_END = re.compile("\r\n?|[\x0b\x0c\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_TO_CLEAN = re.compile(rf"[{_UNSEEN}\u200d\u2028\u2029\ud800-\udfff]")

_ESCAPED_IN_TWO = re.compile(r'["\\\n\r\t\x08\x0c]')
_ESCAPED_IN_SIX = re.compile(r"[\x00-\x07\x0b\x0e-\x1f]")


def cleaned(text: str) -> str:
    """The text as people see it: without escape sequences of terminals, control characters besides
    newline and tab, and what has no width or turns the direction of writing. Every line end is a
    newline, half a surrogate pair U+FFFD. Cleaning again changes nothing."""
    if (text.isascii() and text.isprintable()) or not _TO_CLEAN.search(text):
        return text
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNWANTED.sub("", _OTHER_LINE_END.sub("\n", text))


def escaped(text: str) -> str:
    """The text with what acts on a terminal, or is not seen, as `\\u001b`: for people who must see
    it as it came. Tabs and newlines stay, and JSON stays JSON."""
    return _ACTIVE.sub(
        lambda found: f"\\u{ord(found[0]):04x}" if ord(found[0]) < 65536 else "\ufffd", text
    )


def encoded_size(text: str) -> int:
    """The bytes of the text in JSON and UTF-8, without the quotes: control characters count six."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if not text.isprintable() or '"' in text or "\\" in text:
        size += len(_ESCAPED_IN_TWO.findall(text)) + 5 * len(_ESCAPED_IN_SIX.findall(text))
    return size


def bounded(text: str, bytes_max: int) -> str:
    """The text in at most so many bytes of JSON; an ellipsis marks a cut, if there is room."""
    if encoded_size(text) <= bytes_max:
        return text
    mark = ELLIPSIS if bytes_max >= ELLIPSIS_BYTES else ""
    room = bytes_max - len(mark.encode())
    fits, too_long = 0, max(0, room) + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if encoded_size(text[:middle]) <= room:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip() + mark


def cut(text: str, chars_max: int) -> str:
    """The text in at most so many characters; an ellipsis marks a cut."""
    return text if len(text) <= chars_max else text[: max(0, chars_max - 1)].rstrip() + ELLIPSIS


def line(text: str) -> str:
    """The text in one line, without control characters."""
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(text.split())


def moment(at: float, unknown: str = "unknown") -> str:
    """A time (Unix seconds) in UTC, to the second; `unknown` for a time outside the calendar."""
    try:
        return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return unknown


def listed(names: Sequence[str], names_max: int) -> str:
    """The first names in a line, each on one line, and the number of the others."""
    shown = ", ".join(line(name) for name in names[:names_max])
    more = len(names) - names_max
    return f"{shown} and {more} more" if more > 0 else shown
