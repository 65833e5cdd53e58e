"""Masks the variable parts of a text, token by token, in one pass from left to right.

Bounded for any input: every expression here is either anchored at one place or made of parts that
can't match the same characters in two ways, so that the work grows linearly with the text.
"""

from __future__ import annotations

import re

from ticketing.domain.patterns.context import (
    TELLING,
    Around,
    is_host_after,
    is_id_key,
    is_outcome,
    is_person,
    is_said,
    is_said_in_other_scripts,
    is_state,
)
from ticketing.domain.patterns.scripts import UNSPACED
from ticketing.domain.patterns.word import MASK, is_variable, mask_word
from ticketing.domain.patterns.word_lists import MESSAGE_KEYS, NOT_VALUES, UNITS

# ASCII: a digit or letter beside a character of a script without spaces begins a word all the same.
_URL = re.compile(
    rf"\b(?:[A-Za-z][A-Za-z0-9+.\-]{{1,15}}://|[au]rn:[a-z])[^\s\"'<>`|\])}}{UNSPACED}]*", re.ASCII
)
CUT_CHARS_MIN = 1_000
"""A text at least so long may have been cut within a value: at 2 kB, then shortened by own rules."""
_DAY = (
    r"(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?"
    r"|Sun(?:day)?)"
)
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_ZONE = (
    r"(?:UTC|GMT|CST|CET|CEST|EET|PST|PDT|EST|EDT|MST|MDT|IST|JST|BST|MSK|AEST|HKT"
    r"|[+-]\d\d:?\d\d)"
)
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"
_DATE = re.compile(
    rf"\b(?:{_DAY},?\s{{1,2}})?(?:{_MONTH}\s{{1,2}}\d{{1,2}}|\d{{1,2}}[\s/-]{_MONTH})\b"
    rf"(?:[,/\s-]{{1,2}}\d{{4}}\b)?(?:[\s:T,]{{1,2}}{_CLOCK})?(?:\s[AP]M\b)?(?:\s{_ZONE}\b)?"
    rf"(?:\s\d{{4}}\b)?"
    rf"|\b\d{{4}}[-/]\d\d[-/]\d\d[T\s]{_CLOCK}Z?(?:\s?{_ZONE}\b)?",
    re.ASCII,
)
_SYSLOG = re.compile(
    rf"\s*(?:<\d{{1,3}}>)?{_MONTH}\s{{1,2}}\d{{1,2}} {_CLOCK} [\w.:-]{{1,80}} (?=\S)"
)
_ACCESS_LOG = re.compile(r"\s*[^\s\"\[]{1,256} [^\s\"\[]{1,80} [^\s\"\[]{1,80} \[(?=\d{1,2}/)")
_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    |(?P<mask><[A-Za-z_*-]{1,32}>)
    |(?P<name>"[^"\n]{1,80}"\s?:|(?<!\w)'[^'\n]{1,80}'\s?:)
    |(?P<quote>"[^"\n]{0,2000}"|(?<!\w)'[^'\n]{0,2000}'(?!\w)|`[^`\n]{0,2000}`)
    |(?P<word>[^\s"'`()\[\]{}<>,;|=&]+(?:'[a-z]{1,2}\b)?)
    |(?P<punct>.)
    """,
    re.VERBOSE,
)
_REQUEST = re.compile(r"(GET|POST|PUT|DELETE|HEAD|PATCH|OPTIONS|CONNECT|TRACE|PROPFIND) \S")
_NEXT_IS_KEY = re.compile(r"\s?=(?![=>~])")
_DELIMITED = re.compile(r"\s{0,2}(?:$|[,;)\]}|\n]|\s[\w.-]{1,40}\s?[:=])")
_NUMBER = re.compile(r"[<>~+-]{0,2}\d[\d.,:/]*")
_RUN = re.compile(r"<\*>(?:[ ,;:|/\#&x+.~=_-]{0,4}<\*>)+")
_IN_PARENTHESES = re.compile(r"<\*>(?: ?\((?:<\*>)?\)|\{<\*>\}|\[<\*>\])")
_EMPTY_LIST = re.compile(r"\[ ?\]")
_DASHES = re.compile(r"<\*>(?: (?:<\*>|-(?= -|\]|$)))+")
_REPEATED_OBJECT = re.compile(r"(\b\w{0,40}[({][^(){}]{0,300}[)}])(?:, ?\1)+")
_WORD_LIST = re.compile(r"\[[\w.-]{1,60}(?:, ?[\w.-]{1,60})+\]")
# A list of things as a sentence each: `node a up node b up`, `disk a is full disk b is full`. With one
# fixed word beside the changing one it takes three things to be a list.
_WORD = r"[^\s,;<>]{1,40}"
_THING = r"[^\s,;]{1,60}"
_REPEATED_CLAUSE = re.compile(
    rf"(?<!\S)(?:({_WORD}) {_THING} ({_WORD}(?: {_WORD})?)(?:[,;]? \1 {_THING} \2)+"
    rf"|{_THING} ({_WORD} {_WORD}(?: {_WORD})?)(?:[,;]? {_THING} \3)+"
    rf"|({_WORD} {_WORD}) {_THING}(?:[,;]? \4 {_THING}){{2,}}"
    rf"|({_WORD}) {_THING}(?:[,;]? \5 {_THING}){{2,}})(?![^\s,;])"
)
_PORT_OF_IPV6 = re.compile(r"(?<![\w>])\[<\*>\]:<\*>")
_IN_ANGLES = re.compile(r"<\d[^\s<>]{0,256}>")
_BEFORE_NAME = frozenset(["", "{", "[", "(", ",", ";"])
_PADDING = re.compile(r"={1,2}(?=[\s:,;.)\]}>|]|$)")
_BASE64 = re.compile(r"(?=\D*\d)(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?:[\w+/-]{4}){4,}")
_BRACKET = re.compile(r"[\[\](){}]")
_CLOSES = {"[": "]", "(": ")", "{": "}"}
_CLOSERS = frozenset(",;|&)]}>")


def mask(text: str) -> str:
    """The text on one line, each variable part as `<*>`; runs and lists of them as one."""
    text = text.replace('\\"', "'")
    text = _SYSLOG.sub(rf"{MASK} {MASK} ", text, count=1) if _SYSLOG.match(text) else text
    text = _ACCESS_LOG.sub(f"{MASK} [", text, count=1) if _ACCESS_LOG.match(text) else text
    text = _DATE.sub(MASK, _URL.sub(_masked_url, text))
    return _collapsed(_Scan(text).run())


def _masked_url(match: re.Match[str]) -> str:
    url = match.group()
    return MASK + url[len(url.rstrip(".,;:!?")) :]


def _collapsed(text: str) -> str:
    text = " ".join(text.split())
    text = _PORT_OF_IPV6.sub(MASK, text)
    text = _EMPTY_LIST.sub(f"[{MASK}]", text.replace(f"= {MASK}", f"={MASK}"))
    text = _IN_PARENTHESES.sub(MASK, _RUN.sub(MASK, text))
    text = _DASHES.sub(MASK, _RUN.sub(MASK, text))
    text = text.replace('": ', '":').replace(f'{MASK}, "', f'{MASK},"')
    text = _REPEATED_OBJECT.sub(r"\1", text)
    words = text.replace(",", "").replace(";", "").split(" ")
    # The shortest list repeats two words, or one word twice.
    if len(words) - len(set(words)) < 2:
        return text
    return _REPEATED_CLAUSE.sub(_one_clause, text)


def _one_clause(match: re.Match[str]) -> str:
    before, after, then, first, only = match.groups()
    if before is not None:
        return f"{before} {MASK} {after}"
    return f"{MASK} {then}" if then is not None else f"{first or only} {MASK}"


class _Scan:
    """One pass over one text."""

    def __init__(self, text: str, depth: int = 0) -> None:
        self._text = text
        self._depth = depth
        self._out: list[str] = []
        self._key: str | None = None
        """The key whose value comes next."""
        self._weak = False
        """True for a key before a colon: its value is masked only if that can't be read as text."""
        self._skip = 0
        """The position up to which the text is passed over."""
        self._closing: dict[int, int] | None = None
        self._last = ""
        """The latest word, while nothing but a space has followed."""
        self._before = ""
        self._number = False
        """True if the latest word was a number, so that a unit may follow."""
        self._char = ""
        """The latest character that is no space."""

    def run(self) -> str:
        """The masked text, not yet collapsed."""
        for match in _TOKEN.finditer(self._text):
            kind = match.lastgroup
            if match.start() < self._skip:
                continue
            if kind == "word":
                self._word(match.group(), match.end())
            elif kind == "space":
                self._out.append(" ")
            elif kind == "punct":
                self._punctuation(match.group(), match.start())
            elif kind == "name":
                self._name(match.group())
            elif kind == "quote":
                self._quote(match.group()[1:-1])
            else:
                self._value(MASK if match.group() == "<->" else match.group())
            if kind != "space":
                self._char = match.group()[-1]
        if self._key is not None and not self._weak:
            self._out.append(MASK)
        return "".join(self._out)

    def _value(self, masked: str) -> None:
        self._out.append(masked)
        self._key = None
        self._before, self._last, self._number = self._last, "", False

    def _name(self, text: str) -> None:
        inner = text.rstrip(": \t")[1:-1]
        if self._char not in _BEFORE_NAME:
            # Within a sentence a quoted word is a value, and the colon belongs to the sentence.
            self._quote(inner)
            self._out.append(":")
            return
        self._out.append(f'"{mask_word(inner)}":')
        self._expect(inner)

    def _expect(self, key: str, *, weak: bool = False) -> None:
        self._key = key.rsplit(".", 1)[-1].lower()
        self._weak = weak
        self._last = self._last if weak else ""

    def _quote(self, inner: str) -> None:
        request = _REQUEST.match(inner)
        if request:
            self._value(f'"{request.group(1)} {MASK}"')
        elif self._is_text(inner) and self._depth < 2:
            self._value(_Scan(inner, self._depth + 1).run())
        else:
            self._value(MASK)

    def _is_text(self, inner: str) -> bool:
        """True for a quotation that says what happened, or names a state."""
        if self._key is not None:
            return self._key in MESSAGE_KEYS
        last = self._last.rstrip(":").lower()
        if last in MESSAGE_KEYS:
            return True
        if self._char in (":", "\uff1a") and is_said_in_other_scripts(inner, last):
            return True
        return is_said(inner, last) or is_state(inner, last, self._text)

    def _word(self, word: str, end: int) -> None:
        padded = self._pass_padding(word, end)
        is_key = not padded and _NEXT_IS_KEY.match(self._text, end) is not None
        if self._key is not None and not is_key:
            opened = self._opens_value(end)
            self._out.append(self._of_key(word, end))
            self._remember(word)
            if opened and self._pass_over(end):
                self._number = False
            return
        if self._key is not None and not self._weak:
            self._out.append(f"{MASK} ")
        self._key = None
        if is_key:
            self._out.append(word if not is_variable(word) else mask_word(word))
        else:
            self._out.append(self._plain(word, end))
        self._remember(word)
        if word[-1] == ":":
            self._colon_key(word)

    def _pass_padding(self, word: str, end: int) -> bool:
        """Skip the padding of a base64 value."""
        padding = _PADDING.match(self._text, end)
        if padding is None:
            return False
        whole = word.rsplit(":", 1)[-1] + "-" * len(padding.group())
        if _BASE64.fullmatch(whole) is None:
            return False
        self._skip = padding.end()
        return True

    def _remember(self, word: str) -> None:
        self._before, self._last = self._last, word
        self._number = _NUMBER.fullmatch(word) is not None

    def _colon_key(self, word: str) -> None:
        key = word.rstrip(":")
        if is_id_key(key) or key.lower() in MESSAGE_KEYS:
            self._expect(key, weak=True)

    def _of_key(self, word: str, end: int) -> str:
        key, weak, self._key = self._key, self._weak, None
        if is_outcome(key, word, self._text, end):
            return word
        if key in MESSAGE_KEYS:
            return mask_word(word, called=self._calls(end))
        if not weak:
            return MASK
        core = word.rstrip(".:!?")
        if core.lower() not in NOT_VALUES and _DELIMITED.match(self._text, end):
            return MASK + word[len(core) :]
        return mask_word(word, called=self._calls(end))

    def _opens_value(self, end: int) -> bool:
        """True if a key's value goes on in brackets, as in `item=Item(id=5)`."""
        char = self._text[end : end + 1]
        return char != "" and char in "[({" and not self._weak and self._key not in MESSAGE_KEYS

    def _calls(self, end: int) -> bool:
        return self._text.startswith("(", end)

    def _plain(self, word: str, end: int) -> str:
        core = word.rstrip(".:!?")
        if self._number and _is_unit(core.lower()):
            self._out.pop()
            return word[len(core) :]
        last = self._last.lower()
        if last in TELLING:
            around = Around(self._before.lower(), last, self._text, end)
            if is_person(core, around) or is_host_after(core, last):
                return MASK + word[len(core) :]
        return _pair(word) or mask_word(word, called=self._calls(end))

    def _punctuation(self, char: str, start: int) -> None:
        if char == "=":
            self._equals(start)
            return
        if self._key is not None and self._is_whole_value(char, start):
            return
        if char == "[" and self._last[-1:] == ":":
            listed = _WORD_LIST.match(self._text, start)
            if listed:
                self._skip = listed.end()
                self._out.append(f"[{MASK}]")
                return
        if char == "<" and self._text[start + 1 : start + 2].isdigit():
            char = char if _IN_ANGLES.match(self._text, start) else ""
        self._out.append(char)
        self._last = self._before = ""
        self._number = False

    def _is_whole_value(self, char: str, start: int) -> bool:
        """Pass over a list that is a key's value, and mask an empty value; True after a list."""
        key, weak, self._key = self._key, self._weak, None
        if weak:
            return False
        if char in _CLOSERS:
            self._out.append(MASK)
        elif char in "[({" and key not in MESSAGE_KEYS and self._pass_over(start):
            self._out.append(MASK)
            return True
        return False

    def _pass_over(self, start: int) -> bool:
        """Skip a part in brackets that is closed, or was cut off with the text; False for others."""
        if self._text[start] == "{" and self._text[start - 1] in ": ":
            return False
        if self._closing is None:
            self._closing = closing_brackets(self._text)
        end = self._closing.get(start, len(self._text))
        if end == len(self._text) < CUT_CHARS_MIN:
            return False
        self._skip = end + 1
        return True

    def _equals(self, start: int) -> None:
        text = self._text
        follows = text[start + 1 : start + 2]
        if self._last and follows not in ("=", ">", "~") and text[start - 1] not in "=!":
            self._out.append("=")
            self._expect(self._last)
        elif self._key is None and not follows.strip(" =,;)]}") and self._out[-1:] == ["="]:
            self._out.pop()
        else:
            self._out.append("=")
            self._last = ""


def closing_brackets(text: str) -> dict[int, int]:
    """The positions of closing brackets by those of their opening ones."""
    opened: list[tuple[str, int]] = []
    closed: dict[int, int] = {}
    for match in _BRACKET.finditer(text):
        char = match.group()
        if char in _CLOSES:
            opened.append((_CLOSES[char], match.start()))
        elif opened and opened[-1][0] == char:
            closed[opened.pop()[1]] = match.start()
    return closed


def _is_unit(word: str) -> bool:
    """True for a unit, or one unit by another: `kb`, `bytes/s`."""
    unit, _, per = word.partition("/")
    return unit in UNITS and (not per or per in UNITS)


def _pair(word: str) -> str | None:
    """The word with its value masked, as in `userId:bob`; None for a word of another form."""
    key, colon, value = word.partition(":")
    if not colon or not value or not is_id_key(key) or value.startswith(":"):
        return None
    core = value.rstrip(".:!?")
    if not core or core.lower() in NOT_VALUES:
        return None
    return f"{key}:{MASK}{value[len(core) :]}"
