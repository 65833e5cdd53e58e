"""Operators' own regular expressions, run by RE2: in time linear in the text, whatever they are.

RE2 knows Python's syntax but for what can't be matched in linear time (look-ahead, look-behind,
back-references) and the flags `a`, `u`, `L` and `x`. `\\d`, `\\w`, `\\s` and their opposites stand for
the characters of all scripts, as in Python; `\\b` knows English words alone.
"""

from __future__ import annotations

import re

import re2

MEMORY_BYTES_MAX = 8 << 20
"""RE2's own bound, which holds any expression of a thousand characters that is no list of
repetitions; over it a match would be given up in silence, so such an expression is refused."""

_CLASSES = {"d": r"\p{Nd}", "w": r"\p{L}\p{M}\p{N}_", "s": r"\s\p{Z}\x0b\x1c-\x1f\x{85}"}
_OPPOSITES = {"D": "d", "W": "w", "S": "s"}
_TEMPLATE = re.compile(r"\\(?:g<([^>]*)>|([1-9][0-9]?)|(.?))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "a": "\a", "f": "\f", "v": "\v", "b": "\b"}
_LOOKS = re.compile(r"\(\?(?:<?[=!])")
_BACK = re.compile(r"\\[1-9]|\(\?P=")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Replacement:
    """One own rule, compiled. Raises ValueError that names the rule and the fix."""

    def __init__(self, name: str, pattern: str, replace: str) -> None:
        try:
            self._expression = compiled(pattern)
            self._parts = _template(replace, self._expression)
        except ValueError as error:
            raise ValueError(f"pattern rule {name!r}: {error}") from None

    def apply(self, text: str) -> str:
        """The text with the replacement in the place of each match, in time linear in the text."""
        # RE2 reads UTF-8, which has no half pairs.
        text = _SURROGATE.sub("\ufffd", text)
        pieces: list[str] = []
        end = 0
        for match in self._expression.finditer(text):
            pieces.append(text[end : match.start()])
            for part in self._parts:
                pieces.append(part if isinstance(part, str) else match.group(part) or "")
            end = match.end()
        if not pieces:
            return text
        pieces.append(text[end:])
        return "".join(pieces)


def compiled(pattern: str) -> re2._Regexp:
    """The expression as RE2 takes it. Raises ValueError with the reason and the fix."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY_BYTES_MAX
    try:
        return re2.compile(_translated(pattern), options=options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(_refusal(pattern, error)) from None


def check(pattern: str, replace: str) -> None:
    """Raise ValueError, with the fix, for a rule that can't be run in bounded time."""
    _template(replace, compiled(pattern))


def _refusal(pattern: str, error: Exception) -> str:
    if _LOOKS.search(pattern):
        return (
            "look-ahead and look-behind, as in (?=...), can't be matched in bounded time: match"
            " the text around it too, in groups, and put it back by the replacement: \\1<x>\\2"
        )
    if _BACK.search(pattern):
        return (
            "a back-reference, as \\1, can't be matched in bounded time: write out what it repeats"
        )
    reason = error.args[0] if error.args else error
    reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    return f"RE2 does not take the regular expression: {reason}"


def _translated(pattern: str) -> str:
    """Python's expression in RE2's words: `\\d`, `\\w` and `\\s` of all scripts, `\\Z` as `\\z`."""
    parts: list[str] = []
    in_class = False
    place = 0
    while place < len(pattern):
        char = pattern[place]
        if char == "\\" and place + 1 < len(pattern):
            parts.append(_escape(pattern[place + 1], in_class))
            place += 2
            continue
        if char == "[" and not in_class:
            in_class = True
            # A bracket that closes nothing yet is a character of the class.
            opening = re.match(r"\[\^?\]?", pattern[place:])
            assert opening is not None, "it begins with a bracket"
            parts.append(opening.group())
            place += opening.end()
            continue
        if char == "]" and in_class:
            in_class = False
        parts.append(r"\[" if char == "[" and in_class else char)
        place += 1
    return "".join(parts)


def _escape(char: str, in_class: bool) -> str:
    if char in _CLASSES:
        return _CLASSES[char] if in_class else f"[{_CLASSES[char]}]"
    if char in _OPPOSITES and not in_class:
        return f"[^{_CLASSES[_OPPOSITES[char]]}]"
    return r"\z" if char == "Z" and not in_class else f"\\{char}"


def _template(replace: str, expression: re2._Regexp) -> list[str | int]:
    """The parts of a replacement: texts, and the numbers of groups, as in Python's `re.sub`."""
    parts: list[str | int] = []
    end = 0
    for match in _TEMPLATE.finditer(replace):
        parts.append(replace[end : match.start()])
        end = match.end()
        name, number, other = match.groups()
        if other is not None:
            parts.append(_unescaped(other))
        else:
            parts.append(_group(name if number is None else number, expression))
    parts.append(replace[end:])
    return [part for part in parts if part != ""]


def _unescaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == "" or char.isalnum():
        raise ValueError(f"the replacement has a bad escape \\{char}: write \\\\ for a backslash")
    return f"\\{char}"


def _group(name: str, expression: re2._Regexp) -> int:
    number = int(name) if name.isdecimal() else expression.groupindex.get(name, -1)
    if not 0 <= number <= expression.groups:
        raise ValueError(
            f"the replacement names the group {name!r}, but the expression has {expression.groups}"
        )
    return int(number)
