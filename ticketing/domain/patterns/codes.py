"""The codes that name a fault: class of an HTTP error, exit code, errno, a program's own code.

Codes of success are none. In the pattern itself codes are masked, as other numbers are: they are
a field of the fingerprint beside it.
"""

from __future__ import annotations

import re

_CODE = r"[\"']?\s?(?:[:=]|is|was|of)?\s?[\"']?"
_NUMBER = r"(0x[0-9a-f]{1,8}|-?\d{1,10})"
_CLASS = (
    r"([45])\d\d(?![\w%]|[.,:]\d|\s?(?:ms|s|secs?|seconds|[kKMG]i?B|bytes|rows|items|records)\b)"
)
_REASONS = (
    "Bad Request|Unauthori[sz]ed|Forbidden|Not Found|Method Not Allowed|Not Acceptable"
    "|Request Time-?out"
    "|Conflict|Gone|Precondition Failed|Payload Too Large|Unprocessable|Too Many Requests"
    "|Internal Server Error|Not Implemented|Bad Gateway|Service Unavailable|Gateway Time-?out"
    "|Client Error|Server Error"
)
_HTTP = re.compile(
    rf"\bhttp(?:/[\d.]{{1,4}})?[\"']?[ _-]?"
    rf"(?:status|error|response|return)?[ _-]?(?:code)?{_CODE}{_CLASS}"
    rf"|\b(?:status|response)[ _-]?code{_CODE}{_CLASS}"
    rf"|\bstatus(?:[\"']?\s?[:=]\s?[\"']?|\s){_CLASS}"
    rf"|\b([45])\d\d (?:{_REASONS})\b"
    r"|\b(?:returned|responded|answered|replied|got|received)"
    r"(?: with)?(?: an?)?(?: (?:status|error|code))?"
    rf" {_CLASS}(?=\s*(?:$|[,;.):\]]|(?:from|for|on|when|while|at|in|by|to)\b))",
    re.IGNORECASE,
)
_EXIT = re.compile(
    r"\bexit(?:ed|s|ing)?[ _-]?(?:with |value |non-?zero )?(?:an? )?(?:exit )?"
    rf"(?:(?:code|status|value)s?)?"
    rf"{_CODE}\(?{_NUMBER}\b(?!\s?(?:ms|s|seconds)\b)"
    rf"|\b(?:return(?:ed)? code|rc){_CODE}{_NUMBER}\b",
    re.IGNORECASE,
)
_SIGNAL = re.compile(r"\bsignal[ :=]{1,2}(\d{1,2})\b", re.IGNORECASE)
_ERRNO = re.compile(rf"\b(?:errno|os error|winerror|sqlcode){_CODE}{_NUMBER}\b", re.IGNORECASE)
_OWN = re.compile(
    r"(?:\berr(?:or)?[ _-]?code|(?:^|[\"'{(,;]\s?|\bwith )code|\bcode(?==))"
    r"[\"']?\s?(?:[:=]|is)\s?[\"']?([A-Za-z][A-Za-z_-]{0,15}\d{1,6})\b"
    rf"|\berr(?:or)?[ _-]?code{_CODE}{_NUMBER}\b",
    re.IGNORECASE,
)
_NUMBERED: tuple[tuple[tuple[str, ...], str, re.Pattern[str]], ...] = (
    (("exit", "return", "rc"), "exit", _EXIT),
    (("signal",), "signal", _SIGNAL),
    (("errno", "os error", "winerror", "sqlcode"), "errno", _ERRNO),
    (("code",), "code", _OWN),
)
# Looked for first, as most messages have neither.
_DIGIT = re.compile(r"\d")
_CLASSED = re.compile(r"[45](?<!\d.)\d\d(?!\d)")


def codes_of(text: str) -> str:
    """The codes in a text, such as `exit 137` or `http 5xx, errno 111`; empty without any."""
    if _DIGIT.search(text) is None:
        return ""
    said = text.lower()
    found = []
    if _CLASSED.search(text):
        match = _HTTP.search(text)
        if match:
            found.append(f"http {_group(match)}xx")
    for words, name, expression in _NUMBERED:
        if any(word in said for word in words):
            match = expression.search(text)
            if match and _group(match).strip("-0xX"):
                found.append(f"{name} {_group(match)}")
    return ", ".join(found)


def _group(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group)
