"""Takes secrets and personal data out of a text before it leaves the process.

A secret is replaced by its kind in brackets, so that a reader sees that something stood there. In
doubt a text goes: a summary can do without an address, but nobody can take a leaked key back. All
repetitions are bounded, so that no text takes long.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from itertools import pairwise

_PASSWORD_KEYS = (
    r"password|passwd|passwort|passphrase|pwd|secret|client[_-]?secret|credentials?|passcode|"
    r"(?<=[_-])pass|pgpassword|cvv2?|cvc2?|ssn|otp"
)
_TOKEN_KEYS = (
    r"token|api[_-]?key|apikey|access[_-]?key|secret[_-]?key|private[_-]?key|encryption[_-]?key|"
    r"signing[_-]?key|master[_-]?key|account[_-]?key|auth[_-]?key|license[_-]?key|routing[_-]?key|"
    r"shared[_-]?access[_-]?(?:key|signature)|jsessionid|phpsessid|session[_-]?(?:id|token)|"
    r"sessionid|csrf|xsrf|signature|sig|sas"
)
_SUFFIX = r"(?:[_-]?(?:id|key|value|hash|hex|base64|b64|string|text|\d{1,3}))?"
_NO_SECRET = (
    r"(?:null|none|nil|true|false|empty|missing|required|expired|invalid|incorrect|wrong|failed|"
    r"mismatch|unset|undefined|unknown|not|is|was|has|must|cannot|does|for|and|or|the|an?|"
    r"authentication|verification|validation|rejected|denied|error|revoked|\*{2,}|\[[a-z ]{1,30}\])"
)


def _key(names: str) -> str:
    return (
        rf"(?<![A-Za-z0-9_.-])(?P<key>[A-Za-z0-9_.-]{{0,200}}?(?:{names}){_SUFFIX})(?![A-Za-z0-9])"
        r"(?P<between>\\?[\"']?\s{0,3}(?:=>|[=:])\s{0,3})"
    )


_QUOTED = r"\\?\"[^\"\\\r\n]{1,400}\\?\"?|'[^'\r\n]{1,400}'?"
_PASSWORD = re.compile(
    _key(_PASSWORD_KEYS) + rf"(?P<value>{_QUOTED}|(?!{_NO_SECRET}\b)[^\s,;&\"'<>\[\]]{{1,400}})",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    _key(_TOKEN_KEYS) + rf"(?P<value>{_QUOTED}|[^\s,;&\"'<>\[\](){{}}]{{6,400}})", re.IGNORECASE
)


def _password(match: re.Match[str]) -> str:
    return f"{match['key']}{match['between']}[secret]"


def _token(match: re.Match[str]) -> str:
    value = match["value"].strip("\\\"'")
    telling = any(c.isdigit() for c in value) or len(value) >= 20 or "=" in match["between"]
    if not telling or re.fullmatch(rf"{_NO_SECRET}", value, re.IGNORECASE):
        return match[0]
    return f"{match['key']}{match['between']}[secret]"


def _ipv4(match: re.Match[str]) -> str:
    address = match["address"]
    # These name this very machine: no one's address, and telling in an error.
    return match[0] if address.startswith("127.") or address == "0.0.0.0" else "[ip]"


def _ipv6(match: re.Match[str]) -> str:
    text = match[0]
    if text.count(":") < 2 or not any(c.isdigit() for c in text):
        return text
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return text
    return text if address.is_loopback or address.is_unspecified else "[ip]"


def _card(match: re.Match[str]) -> str:
    return "[card]" if _luhn(re.sub(r"\D", "", match[0])) else match[0]


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _iban(match: re.Match[str]) -> str:
    text = match[0].replace(" ", "")
    number = "".join(str(int(c, 36)) for c in text[4:] + text[:4])
    return "[iban]" if int(number) % 97 == 1 else match[0]


def _random(match: re.Match[str]) -> str:
    """A long word that mixes cases and digits as no name does."""
    text = match[0]
    turns = sum(a.isdigit() != b.isdigit() for a, b in pairwise(text))
    kinds = (
        sum(c.isdigit() for c in text) >= 3,
        sum(c.isupper() for c in text) >= 3,
        sum(c.islower() for c in text) >= 3,
    )
    return "[token]" if all(kinds) and turns >= 5 else text


Replacement = str | Callable[[re.Match[str]], str]

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_RULES: tuple[tuple[str, Replacement, int], ...] = (
    (
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]{0,20000}?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
        "[private key]",
        0,
    ),
    (r"\beyJ[A-Za-z0-9_-]{5,4000}\.[A-Za-z0-9_-]{5,4000}(?:\.[A-Za-z0-9_-]{0,4000})?", "[jwt]", 0),
    (
        r"https?://(?:hooks\.slack\.com/(?:services|workflows|triggers)|"
        r"(?:[\w-]{1,60}\.)?discord(?:app)?\.com/api/webhooks|"
        r"[\w.-]{1,100}\.webhook\.office\.com)/[^\s\"'<>]{1,400}",
        "[webhook]",
        re.IGNORECASE,
    ),
    # The last @ ends the user's part: passwords may hold one.
    (
        r"\b([a-z][a-z0-9+.-]{1,30}://)[^\s/\"'<>@]{0,200}:[^\s/\"'<>]{1,400}@(?=[^\s/@\"'<>]{1,255})",
        r"\1[credentials]@",
        re.IGNORECASE,
    ),
    (
        r"\b((?:proxy-)?authorization\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?)"
        r"(?:(?:basic|bearer|digest|token|apikey|negotiate|ntlm|splunk|aws4-hmac-sha256)\s{1,3})?"
        r"[^\s\"',;]{4,4000}(?:\s{0,2},\s{0,2}[a-z]{1,20}=[^\s,;\"']{1,400}){0,6}",
        r"\1[secret]",
        re.IGNORECASE,
    ),
    (
        r"\b(bearer|basic)\s{1,3}(?=[^\s]{0,200}[0-9=._-])[A-Za-z0-9._~+/=-]{12,4000}",
        r"\1 [secret]",
        re.IGNORECASE,
    ),
    (r"\b((?:set-)?cookie\\?[\"']?\s{0,3}:\s{0,3})[^\r\n]{1,4000}", r"\1[secret]", re.IGNORECASE),
    (r"\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA)[A-Z0-9]{16}\b", "[aws key]", 0),
    (r"\bAIza[A-Za-z0-9_-]{35}", "[google key]", 0),
    (r"\bya29\.[A-Za-z0-9_-]{10,400}", "[google token]", 0),
    (r"\bGOCSPX-[A-Za-z0-9_-]{20,60}", "[google key]", 0),
    (r"\bgh[pousr]_[A-Za-z0-9]{20,255}|\bgithub_pat_[A-Za-z0-9_]{20,255}", "[github token]", 0),
    (r"\bgl(?:pat|dt|rt|cbt|ptt|soat|ft)-[A-Za-z0-9_-]{20,100}", "[gitlab token]", 0),
    (r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}|\bxapp-[A-Za-z0-9-]{10,250}", "[slack token]", 0),
    (r"\bsk-[A-Za-z0-9_-]{16,250}", "[api key]", 0),
    (r"\b[rsp]k_(?:live|test)_[A-Za-z0-9]{10,250}|\bwhsec_[A-Za-z0-9+/=]{16,100}", "[api key]", 0),
    (r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}", "[api key]", 0),
    (
        r"\b(?:npm|pypi|hf|dop_v1|shpat|shpss|atlasv1|lin_api)[_-][A-Za-z0-9_-]{20,250}",
        "[token]",
        0,
    ),
    (r"\bATATT3[A-Za-z0-9_=-]{20,300}", "[atlassian token]", 0),
    (r"\bhv[sbr]\.[A-Za-z0-9_-]{20,300}", "[vault token]", 0),
    (r"\b(?:AC|SK)[0-9a-f]{32}\b", "[twilio key]", 0),
    (r"\b\d{8,10}:AA[A-Za-z0-9_-]{32,35}\b", "[telegram token]", 0),
    (
        r"(?<=\s)(--?[a-z-]{0,30}(?:password|passwd|token|secret|api-key)[ =])\S{1,400}",
        r"\1[secret]",
        re.I,
    ),
    (r"\b(IDENTIFIED BY\s{1,3})(?:'[^'\n]{1,200}'|\"[^\"\n]{1,200}\")", r"\1[secret]", re.I),
    (r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b", "[email]", 0),
    (r"\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b(?![:-])", "[mac]", 0),
    (r"\bip(?:-\d{1,3}){4}\b", "[ip]", 0),
    (rf"(?<![\w.-])(?P<address>(?:{_OCTET}\.){{3}}{_OCTET})(?![\w-]|\.\w)", _ipv4, 0),
    (r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:(?<=:)(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])", _ipv6, 0),
    (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", _iban, 0),
    (r"(?<![\w.-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])", _card, 0),
    (r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-])", "[ssn]", 0),
    (
        r"(?<![\w+])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]?\d{2,4}){2,4}(?!\w)",
        "[phone]",
        0,
    ),
    (r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{28,2000}={0,2}(?![A-Za-z0-9+/_-])", _random, 0),
)
_COMPILED = tuple((re.compile(text, flags), to) for text, to, flags in _RULES)
_BEFORE = 4
"""The number of rules that come before the search for keys, which would tear their matches apart."""


def scrub(text: str) -> str:
    """The text without keys, tokens, passwords, addresses, card numbers and the like."""
    for expression, to in _COMPILED[:_BEFORE]:
        text = expression.sub(to, text)
    text = _PASSWORD.sub(_password, text)
    text = _TOKEN.sub(_token, text)
    for expression, to in _COMPILED[_BEFORE:]:
        text = expression.sub(to, text)
    return text
