"""The shape of a text: texts that differ by obvious values only share a shape, masked only once.

Most messages differ by numbers and ids, and all of these are masked in the end. Possible parts of a
name (`ipv6`, `sha256`, `ORA-00942`) stay as they are. Every expression begins with one class of
characters before it looks back, so that other characters are passed over quickly.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9](?<=[ =(\[#].)[0-9]{2,}(?=[ ,;)\]]|$)")
_SOME_NUMBER = "000"
"""Three digits, since one or two may be the day of a month."""
_UNIT = r"(?i:[kmgt]?i?b|[munµ]?s|m|h)\b"
"""The word lists' UNITS without letters that make a name of a number, as in `3d` and `5g`."""
_DIGITS = re.compile(
    r"[0-9](?:"
    r"(?<![A-Za-z0-9].)(?<![A-Z]-.)(?!(?<=0)(?:00)?(?![0-9]))"
    rf"[0-9]*(?:(?={_UNIT})|(?![A-Za-z0-9]))"
    r"|(?<=[a-z_].)[0-9]{4,}(?![A-Za-z0-9]))"
)
_ZEROS = ("", "0", "00", "000", "0000", "00000")
"""Dates and clock times are recognised by their numbers of digits."""
_ID = re.compile(
    r"[0-9a-fA-F](?:"
    r"[0-9a-fA-F]{7}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![\w-])"
    r"|(?<![\w./-].)(?=[0-9]*[a-fA-F])"
    r"(?:(?<=[0-9a-f])[0-9a-f]{7,63}|(?<=[0-9A-F])[0-9A-F]{7,63})(?![\w-]))"
)
_SOME_ID = "0aaaaaaa"


def shaped(text: str) -> str:
    """The text with zeros for digits, and one id for all ids, where these are certainly values."""
    return _DIGITS.sub(_zeros, _ID.sub(_SOME_ID, _NUMBER.sub(_SOME_NUMBER, text)))


def _zeros(match: re.Match[str]) -> str:
    return _ZEROS[min(match.end() - match.start(), len(_ZEROS) - 1)]
