"""Text of a stranger, with nothing left in it that could act: no link, markup or mention.

Taking one thing out can put another together: `ht__tp://` is a link once the underlines are gone.
So marks are translated first, and all of it is repeated until nothing changes any more.
"""

from __future__ import annotations

import html
import re
import unicodedata

NO_LINK = "(link removed)"
ROUNDS_MAX = 8
"""A hundred layers of markup end within three; what goes on loses all its marks."""
SHARE_READ = 8
"""Characters read for each that may be shown, as markup and addresses go."""

_LINK = re.compile(r"!?\[([^\]\[]{0,300})\]\s?(?:\([^()]{0,600}\)|\[[^\]\[]{0,100}\])")
_TAG = re.compile(r"</?[A-Za-z!][^<>]{0,500}>|<[#@!][^<>]{0,200}>")
_MARKS = str.maketrans(
    {
        **{
            "<": "\u2039",
            ">": "\u203a",
            "[": "(",
            "]": ")",
            "{": "(",
            "}": ")",
            "`": "'",
            "|": "/",
        },
        **{"@": "(at)", "\\": "/", "~": "-", "\u3002": "\u3002 ", "\uff61": "\u3002 "},
    }
)
"""Marks of Slack, Markdown, HTML and Jira, and the full stop of Chinese, a dot to domains."""
_EMPHASIS = re.compile(r"\*{1,3}|_{2,3}|^#{1,6}\s|^\s*[-+]\s", re.MULTILINE)
_BANG = re.compile(r"!(?=[^\s!?.,;:)])")

_LONE_SLASHES = re.compile(r"/{2,}(?=\s|\Z)")
_ADDRESS = re.compile(r"[^\s()\"']{0,300}(?:[A-Za-z0-9+.-]{2}:/|//)[^\s\"']*")
"""Anything with `scheme:/` or `//` in it: browsers forgive one slash, and a scheme may be any."""
_WWW = re.compile(r"\bwww\.[^\s\"']+", re.IGNORECASE)
_SCHEME = re.compile(
    r"\b(?:mailto|javascript|data|vbscript|file|tel|sms|callto|facetime|sip|sips|skype|slack|tg|geo|"
    r"whatsapp|magnet|blob|about|view-source|xmpp|irc|news|urn):[^\s\"']+",
    re.IGNORECASE,
)
_ANY_SCHEME = re.compile(r"(?<![\w:])([A-Za-z][A-Za-z0-9+.-]{1,40}):(?=[^\s:\d)]|\d+[^\s\d)])")
"""A word and a colon, which may be a scheme, unless a number follows, as behind a host."""
_NAMES = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_ENDING = re.compile(r"(?:xn--[a-z0-9-]+|[^\W\d_]{2,63})", re.IGNORECASE)
_CLASS = re.compile(
    r"(?:[a-z][a-z0-9_]{0,60}\.){2,12}[A-Z]\w{0,60}[a-z]\w{0,60}(?:\.[A-Za-z_]\w{0,60})?", re.ASCII
)
"""A class, with its package in small letters, and perhaps a method: `com.example.pool.Pool.get`."""
_QUAD = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)")
# None of these is a top-level domain (https://data.iana.org/TLD/tlds-alpha-by-domain.txt).
_NO_DOMAIN = re.compile(
    r"local|internal|svc|java|class|json|yaml|yml|xml|log|conf|cfg|ini|txt|csv|html|js|ts|tsx|jsx|go|"
    r"cpp|sql|lock|toml|properties|png|jpg|jpeg|gif|svg|pdf|gz|[A-Za-z]{0,60}(?:Exception|Error|Failure)",
    re.ASCII,
)


def neutral(text: str, limit: int) -> str:
    """The text in one line of at most so many characters, with nothing in it that could act.

    Addresses go, host names are written `evil(dot)example`, names of classes as the JVM has them
    inside (`com/example/Pool`), mentions and markup of Slack, Markdown,
    HTML and Jira are taken apart, invisible and direction-changing characters dropped. Neutralizing
    again changes nothing.
    """
    # Cut first, generously: what follows is linear, but need not run over 100 kB.
    text = text[: SHARE_READ * limit]
    for _ in range(ROUNDS_MAX):
        before, text = text, _round(text)
        if text == before:
            break
    else:
        text = " ".join(re.sub(r"[^\w\s]", " ", text).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _round(text: str) -> str:
    text = unicodedata.normalize("NFKC", html.unescape(text))
    text = "".join(c if _visible(c) else " " if c.isspace() or c == "\x00" else "" for c in text)
    text = _TAG.sub(" ", _LINK.sub(r"\1", text)).translate(_MARKS)
    text = _BANG.sub("", _EMPHASIS.sub("", text))
    text = _LONE_SLASHES.sub("/", text)
    for address in (_SCHEME, _ADDRESS, _WWW):
        text = address.sub(_without_link, text)
    text = _ANY_SCHEME.sub(r"\1: ", text)
    text = _QUAD.sub(lambda quad: quad[0].replace(".", "(dot)"), _NAMES.sub(_named, text))
    return " ".join(text.split())


def _without_link(match: re.Match[str]) -> str:
    """The words in the place of an address; a bracket around it stays."""
    return NO_LINK + (")" if match[0].endswith(")") and "(" not in match[0] else "")


def _named(match: re.Match[str]) -> str:
    """A dotted name, taken apart if it could be a host's."""
    name = match[0]
    ending = name.rpartition(".")[2]
    if _NO_DOMAIN.fullmatch(ending) or not _ENDING.search(name):
        return name
    if _CLASS.fullmatch(name):
        # A host may look like that too, and is no link without its dots either.
        return name.replace(".", "/")
    parts = name.split(".")
    # Each dot before a label that a domain can end with; a link may stop at any of them.
    made = parts[0]
    for part in parts[1:]:
        made += ("(dot)" if _ENDING.match(part) else ".") + part
    return made


def _visible(character: str) -> bool:
    # Cf holds the zero-width and direction-changing ones, Co and Cn what no font knows.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
