"""Secrets that are known by the key before them: `password=...`, in JSON, YAML, XML and the like.

RE2 finds the keys; the value behind one is read by hand, as a quoted one may hold quotes, and an
object other objects. Both are linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from ticketing.domain.scrubbing.judges import PATH
from ticketing.domain.scrubbing.kinds import NAMES

_PASSWORDS = (
    r"passwords?|passwd|passwort|passphrase|kennwort|pwd|secret|client[_-]?secret|credentials?|"
    r"passcode|[_-]pass|pgpassword|pass[ _-]word|pa[s5]{1,2}w[o0]?rd|p[a@][s5$]{2}w[o0]rd|psw|pswd|"
    r"(?:user|key|store|db|ftp|smtp|mail|root|admin|login|http|proxy|ldap|sql|my)pass|"
    r"(?:bind|root|user|db|admin)pw|cvv2?|cvc2?|card[_-]?number|ssn|"
    r"social[_-]?security(?:[_-]?number)?|otp|totp(?:[_-]?seed)?|mfa[_-]?code|"
    r"seed[ _-]?phrase|mnemonic|"
    r"\bdob|date[ _-]?of[ _-]?birth|birth[ _-]?date|birthday|"
    r"passport[ _-]?(?:no|nr|number)|tax[_-]?id|"
    r"(?:auth|authorization|verification|recovery|backup|security|unlock|activation|access|grant|"
    r"login|2fa|one[ _-]?time|two[ _-]?factor)[ _-]?codes?|security[ _-]?answer|pin[_-]?code|"
    r"snmp[_-]?community|"
    # Other languages; marks are folded away, and other scripts are one byte.
    r"mot[ _-]?de[ _-]?passe|\bmdp|contrasena|senha|wachtwoord|losenord|salasana|passord|"
    r"adgangskode|kodeord|heslo|haslo|jelszo|sifre|parola|lozinka|geslo|slaptazodis|"
    r"mat[ _-]?khau|kata[ _-]?sandi|geheimnis|parool|\x01{1,20}"
)
_TOKENS = (
    r"token|api[ ._-]?key|app[_-]?key|access[ _-]?key|secret[ _-]?key|private[ _-]?key|"
    r"(?:encryption|decryption|signing|master|account|auth|license|routing|integration|"
    r"service|shared|webhook|subscription|consumer|functions|storage|deploy|ssh|host|salt|cipher|aes|des|crypto|root|"
    r"kms|wrapping|recovery|wallet|tls|ssl|wifi|instrumentation)[_-]?key|"
    r"shared[_-]?access[_-]?(?:key|signature)|jsessionid|phpsessid|aspsessionid|"
    r"session[_-]?(?:id|token|key)|sessionid|connect\.sid|csrf|xsrf|signature|sig|sas|jwt|bearer|nonce|"
    r"[_-]auth|_authtoken|auth[_-]?data|auth[_-]?string|x-vault-token|genie-?key|\bpass|\bpw|[_-]pw|psk|"
    r"hmac|code[_-]?verifier|saml_?(?:response|request)|(?:\b|_)pat|clave|\x02{1,20}"
)
_SESSIONS = r"(?:\b|[._-])(?:session|sess|sessid|sid|auth)"
"""Keys of ids that open a session, and of many other things."""
_SUFFIX = (
    r"(?:[._-]?(?:id|key|value|hash|hex|base64|b64|string|text|plain|encrypted|old|new|current|confirm|"
    r"confirmation|again|repeat|data|prod|dev|test|live|primary|secondary|access[_-]?key|"
    r"for[ _-][\w-]{1,40}|v?\d{1,3})|\[\d{1,3}\])?[_*~]{0,3}"
)
_QUOTE = r"(?:\\{0,7}[\"'`]|%(?:25)?2[27]|&quot;|&#x?(?:3[49]|2[27]);|\\+u0022)"
"""A quote as it is, and in JSON within JSON, in addresses, and in HTML."""
_SPACE = r"[ \t]{0,40}(?:\\?\r?\n[ \t]{0,40})?"
_AFTER = (
    rf"(?:(?:{_QUOTE}|\\)?(?:[\])]|%(?:25)?5[Dd])?{_SPACE}"
    r"(?:\.{2,40}[ :])?(?:={1,3}>?|\+=|:=?| -> |%(?:25)?3[AaDd]|&#61;|\\+u003[AaDd])"
    # A row of a table, the name and the value of one thing, and two parts of a tuple.
    r"|[ \t]{0,3}\|"
    rf"|{_QUOTE}?\s*[,;\r\n]\s*{_QUOTE}?(?:value|data|content|secret){_QUOTE}?\s{{0,3}}[:=]"
    rf"|{_QUOTE}\s{{0,3}},)"
)
_INNER = (
    rf"(?:\s*[\r\n]\s*(?:value|secret|data|plain|text|key){_QUOTE}?\s{{0,3}}:)?"
    rf"(?:\s{{0,3}}[|>][+-]?\d?[ \t]{{0,3}}\r?\n)?{_SPACE}"
    r"(?:(?:!{1,2}[\w!/-]{1,30}|&\w{1,30})[ \t])?"
)
KEYS = (
    rf"(?i)[A-Za-z0-9_.-]*(?:(?:{_PASSWORDS})|({_TOKENS})|({_SESSIONS})){_SUFFIX}"
    rf"({_AFTER}{_INNER})"
)
"""A key, and all before its value, in RE2's syntax."""
TOKEN, SESSION, BETWEEN = 1, 2, 3
"""The groups of `KEYS`: a key that is also a word of parsers, one that is so of much else, and what
stands behind any key."""
_NAMED = rf"[\"'][\w.:-]*(?:{_PASSWORDS}|{_TOKENS}){_SUFFIX}[\"']"
XML = (
    rf"(?i)<(?:\w+:)?[\w.-]*(?:{_PASSWORDS}|{_TOKENS}){_SUFFIX}(?:\s[^<>]*)?>"
    r"\s*(?:<!\[CDATA\[((?s:.*?))\]\]>|(?:<(?:value|string)>)?\s*([^<\s][^<]*))"
    rf"|&lt;[\w:.-]*(?:{_PASSWORDS}|{_TOKENS}){_SUFFIX}&gt;([^<&]+)"
    rf"|<[\w.-]*(?:{_PASSWORDS}|{_TOKENS}){_SUFFIX}\s+value=[\"']([^\"']+)"
    rf"|(?:name|key|id|type)={_NAMED}"
    r"(?:[^<>]*?\svalue=[\"']([^\"']+)|[^<>]*>(?:\s*<value>)?\s*([^<\s][^<]*))"
    rf"|<(?:name|key)>[\w.:-]*(?:{_PASSWORDS}|{_TOKENS}){_SUFFIX}</(?:name|key)>\s*<\w+>([^<]+)"
    rf"|\bvalue=[\"']([^\"']+)[\"']\s+(?:name|key)={_NAMED}"
    rf"|[\"'](?:value|data)[\"']\s?:\s?(\"(?:[^\"\\]|\\.)*\")\s?,\s?[\"'](?:name|key)[\"']\s?:\s?{_NAMED}"
    r"|<secret>([^<]+)"
)
"""A secret in an element, or in an attribute or a member beside its name."""
COLUMNS = (
    rf"(?i)\binsert\s+into\s[^()]*\([^()]*(?:{_PASSWORDS}|{_TOKENS})[^()]*\)\s*values\s*(\([^\r\n]*)"
    rf"|\b[\w.]*(?:{_PASSWORDS}|{_TOKENS}){_SUFFIX}[\"`\]]?\s{{1,3}}(?:<>|!=|(?:not\s)?i?like|in)\s{{0,3}}"
    r"(\(?'[^\r\n']*(?:''[^\r\n']*)*'?)"
    rf"|\bduplicate entry '([^']+)' for key '[\w.]*(?:{_PASSWORDS}|{_TOKENS})"
    r"|\b(?:pgp_sym_\w+|aes_\w+|crypt)\([^()\r\n]*?('[^'\r\n]*'?)"
)
"""A secret in a column of SQL, or in an argument."""

_NO_SECRET = re.compile(
    r"(?:null|none|nil|true|false|empty|blank|missing|required|expired|invalid|incorrect|wrong|failed|"
    r"mismatch|unset|undefined|unknown|not|is|was|has|must|cannot|does|did|for|and|or|the|an?|in|on|"
    r"authentication|verification|validation|rejected|denied|error|revoked|ok|valid|changed|"
    r"yes|anonymous|success|passed|can|isn|doesn|wasn|hasn|SIG[A-Z]{2,8}|EOF|"
    r"E(?:NOENT|ACCES|PERM|CONN[A-Z]{5,7}|TIMEDOUT)|"
    r"unavailable|too|no|could|should|may|unexpected|found|accepted|refused|provided|field|value|string|object|"
    r"\*{2,}|x{3,}|\.{3}|(?:\$\{|\{\{)[\w.:-]{1,60}\}+|\{[a-z_.]{1,60}\}|"
    r"%[sdv]|<[a-z ._-]{1,30}>?|\?|\$\d{1,3}|:[a-z_]{1,40}|"
    rf"\[(?:{'|'.join(NAMES)}|redacted|masked|filtered|hidden)\]|\(\D{{0,30}}|{PATH})",
    re.IGNORECASE,
)
_VALUE_ENDS = re.compile(r"[\s\"'<>]|[,;&](?=\s|\Z|[\"']?[A-Za-z][\w.-]{0,80}[\"']?\s?[=:])")
"""Marks that no bare value holds, or that stand before another key."""
_CLOSED_LATER = re.compile(r"(?:\r?\n[^\"'\r\n:=]{0,200}){1,3}[\"'](?=[\s,;)}\]]|\Z)")
_NEXT_LINES_KEY = re.compile(r"[\w.-]{1,60}[\"']?\s?[:=]")
_TYPED = re.compile(r"(?:[A-Za-z]{1,2}|[A-Za-z_.:]{1,30}\(&?|string\(\d{1,6}\) )(?=[\"'])")
"""Before the quote of a value, as in b'...' of Python, String("...") and N'...' of SQL."""
_DONE = re.compile(rf"\[(?:{'|'.join(NAMES)})\]")
_NO_KEY = re.compile(r".*(?:public_?key_?token|fencing_?token)", re.IGNORECASE)
"""Public words that end as keys of secrets do."""
_RESOURCE = re.compile(r":\d{12}:\Z")
"""Before the kind and the name of a resource of AWS, as in arn:aws:secretsmanager:eu-west-1:...:"""
_ROUTING = re.compile(r".*routing[_-]?key", re.IGNORECASE)
"""An integration's key at one vendor, the topic of a message at others."""
_ROUTING_CHARS_MIN = 20
"""An integration's key has 32."""
_POINTER = re.compile(r"0x[0-9a-f]{1,16}", re.IGNORECASE)
"""A number of up to 64 bits, as of a session of ZooKeeper."""
_TOKEN_CHARS_MIN = 6
"""A shorter word behind `token` is one of a parser's."""
_SESSION_CHARS_MIN = 8
"""Shorter words behind `session` are names."""
BLOCK_CHARS_MAX = 20_000
"""A longer block in the lines behind a key is no secret alone."""
SLASHES_MAX = 7
"""Before a quote in JSON three times within JSON."""
_TRAILING = ".,;:)]}"
_OPENERS = {")": "(", "]": "[", "}": "{"}
_CLOSERS = {"{": "}", "[": "]"}


class Value(NamedTuple):
    """The span of a value within its text, with its quotes."""

    start: int
    end: int


class Key(Enum):
    """The meaning of a key for the value behind it."""

    PASSWORD = auto()
    """Any value is secret."""
    TOKEN = auto()
    """Also a word of parsers: a plain word behind it is no secret, nor is a list."""
    SESSION = auto()
    """Also a word for much else: a value of digits and letters alone is secret."""


def secret_at(text: str, start: int, at: int, key: Key, between: str) -> Value | None:
    """The secret that begins at a place behind a key, which begins at `start`; None without one."""
    name = text[start : at - len(between)]
    if _NO_KEY.fullmatch(name) or _RESOURCE.search(text, max(0, start - 14), start):
        return None
    if _DONE.match(text, at):
        return None
    if between.endswith("|") and not _is_mixed(text[at : at + 80].split("|")[0].strip()):
        return None
    listed = between.rstrip().endswith(",")
    if listed and not (text[at : at + 1] in ("'", '"', "\\") or _TYPED.match(text, at)):
        return None
    value = _value(text, at, quoted_key='"' in between or "'" in between)
    if value is None:
        return None
    inner = text[value.start : value.end].strip("\\\"'")
    if not inner or _NO_SECRET.fullmatch(inner) or _NO_SECRET.fullmatch(inner.rstrip(".:!?)")):
        return None
    if _ROUTING.fullmatch(name) and not (len(inner) >= _ROUTING_CHARS_MIN and inner.isalnum()):
        return None
    if key is Key.SESSION and not _is_mixed(inner.split(".")[0], _SESSION_CHARS_MIN):
        return None
    if "\n" in between:
        return _in_lines(text, value, between, inner)
    if (key is Key.TOKEN or listed) and text[at : at + 1] not in _CLOSERS:
        if _POINTER.fullmatch(inner):
            return None
        known = any(c.isdigit() for c in inner) or len(inner) >= 20
        if len(inner) < _TOKEN_CHARS_MIN or not (known or "=" in between):
            return None
    return value


def _is_mixed(text: str, chars_min: int = _TOKEN_CHARS_MIN) -> bool:
    digits = sum(c.isdigit() for c in text)
    letters = sum(c.isalpha() for c in text)
    return len(text) >= chars_min and digits >= 1 and letters >= 2 and not _POINTER.fullmatch(text)


def _in_lines(text: str, value: Value, between: str, inner: str) -> Value | None:
    """The value in the lines behind its key: a block or a list as a whole, else a line that looks
    like a secret and like no key of its own."""
    if text[value.start] in "\"'\\":
        return value
    indent = text[text.rfind("\n", 0, value.start) + 1 : value.start]
    listed = text.startswith("- ", value.start)
    if not listed and not re.search(r"[|>][+-]?\d?[ \t]{0,3}\r?\n", between):
        if _NEXT_LINES_KEY.match(text, value.start) and ":" not in between.partition("\n")[2]:
            return None
        return value if indent.strip(" \t") or _is_mixed(inner) or indent else None
    more = f"{indent}- " if listed else indent or " "
    end = _end_of_line(text, value.start)
    while text.startswith(more, end + 1) and end - value.start < BLOCK_CHARS_MAX:
        end = _end_of_line(text, end + 1)
    return Value(value.start, end)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _value(text: str, at: int, *, quoted_key: bool) -> Value | None:
    first = text[at : at + 1]
    if first in ('"', "'", "`"):
        return Value(at, _end_of_quoted(text, at))
    if (
        first == "\\"
        and (slashes := _slashes(text, at))
        and text[at + slashes : at + slashes + 1]
        in (
            '"',
            "'",
        )
    ):
        return Value(at, _end_of_escaped(text, at, slashes))
    typed = _TYPED.match(text, at)
    if typed is not None:
        end = _end_of_quoted(text, typed.end())
        return Value(at, end + (text[end : end + 1] == ")" and "(" in typed[0]))
    if first in _CLOSERS and first:
        # Words in brackets behind a bare key are prose.
        return (
            Value(at, _end_of_nested(text, at)) if quoted_key or first == "{" else _bare(text, at)
        )
    return _bare(text, at)


def _bare(text: str, at: int) -> Value | None:
    found = _VALUE_ENDS.search(text, at)
    end = found.start() if found else len(text)
    while end > at and text[end - 1] in _TRAILING and not _closes(text, at, end - 1):
        end -= 1
    return Value(at, end) if end > at else None


def _closes(text: str, at: int, place: int) -> bool:
    opener = _OPENERS.get(text[place])
    return opener is not None and text.find(opener, at, place) >= 0


def _end_of_quoted(text: str, at: int) -> int:
    """The end of a quoted value, behind its quote; an escaped or doubled quote does not end it.

    A quote that is open at the end of its line is closed in the next few, if no other one stands
    between; else the value ends with the line.
    """
    quote, place = text[at], at + 1
    while place < len(text) and text[place] not in "\r\n":
        if text[place] == "\\":
            place += 2
        elif text[place] == quote:
            if quote == '"' or text[place + 1 : place + 2] != quote:
                return place + 1
            place += 2
        else:
            place += 1
    closing = _CLOSED_LATER.match(text, min(place, len(text)))
    if closing is not None and closing[0].endswith(quote):
        return closing.end()
    return min(place, len(text))


def _slashes(text: str, at: int) -> int:
    """The number of backslashes at a place, of as many as JSON thrice within JSON has."""
    place = at
    while place - at < SLASHES_MAX and text[place : place + 1] == "\\":
        place += 1
    return place - at


def _end_of_escaped(text: str, at: int, before: int) -> int:
    r"""The end of a value in JSON within a string, where quotes are written \", or with more."""
    quote, place = text[at + before], at + before + 1
    while place < len(text) and text[place] not in "\r\n":
        if text[place] != "\\":
            place += 1
            continue
        slashes = place
        while slashes < len(text) and text[slashes] == "\\":
            slashes += 1
        if text[slashes : slashes + 1] == quote and slashes - place <= before:
            return slashes + 1
        place = slashes + 1
    return min(place, len(text))


def _end_of_nested(text: str, at: int) -> int:
    """The end of an object or a list, with all that it holds; the text's end if it is cut."""
    open_ones: list[str] = []
    for place, token in _tokens(text, at):
        if token in _CLOSERS:
            open_ones.append(_CLOSERS[token])
        elif open_ones and token == open_ones[-1]:
            open_ones.pop()
            if not open_ones:
                return place + 1
    return len(text)


def _tokens(text: str, at: int) -> Iterator[tuple[int, str]]:
    place = at
    while place < len(text):
        if text[place] == '"':
            place = _end_of_quoted(text, place)
            continue
        if text[place] in "{}[]":
            yield place, text[place]
        place += 1
