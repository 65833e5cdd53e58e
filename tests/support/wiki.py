"""Jira's wiki markup as Jira renders it: the text that a reader sees."""

from __future__ import annotations

import html
import re

FIRST_PRIVATE = 0xF0000
"""Plane 15, which no text of the tests uses: characters that are markup no more."""
MARKS = r"\[\]{}|!*_+^~?#()\-\\"
"""Characters that a backslash makes plain."""
PHRASES = ("*", "_", "-", "+", "^", "~", r"\?\?")
EMOTICONS = re.compile(
    r":\)|:\(|:P|:D|;\)|\((?:[yni/x!+?-]|on|off|\*[rgby]?|flag|flagoff)\)", re.IGNORECASE
)


def shown(markup: str) -> str:
    """The rendered text of a paragraph; markup that is obeyed leaves its trace or is gone."""
    text = re.sub(rf"\\([{MARKS}])", lambda found: _kept(found[1]), _breaks(markup))
    text = re.sub(r"&(?:#\d+|#x[0-9a-f]+|\w+);", lambda found: _entity(found[0]), text)
    text = re.sub(r"(?m)^(?:h[1-6]|bq)\.\s?", "<heading>", text)
    text = re.sub(r"(?m)^[*#-]+ ", "<bullet>", text)
    text = re.sub(r"(?m)^----+$", "<rule>", text)
    text = re.sub(r"\{[^{}\n]*\}", "<macro>", text)
    text = re.sub(r"\[[^\]\n]+\]", "<link>", text)
    text = re.sub(r"![^!\s][^!\n]*!", "<image>", text)
    text = re.sub(r"\|", "<cell>", text)
    text = EMOTICONS.sub("<emoticon>", text)
    text = re.sub(r"(?<!\S)---?(?!\S)", "<dash>", text)
    for mark in (re.escape(one) if len(one) == 1 else one for one in PHRASES):
        phrase = rf"(?<![^\W_]){mark}(?=\S)([^\n]*?)(?<=\S){mark}(?![^\W_])"
        text = re.sub(phrase, r"<phrase>\1", text)
    return "".join(_plain(one) for one in text)


def _breaks(markup: str) -> str:
    return markup.replace("\\\\", "<break>")


def _entity(entity: str) -> str:
    found = html.unescape(entity)
    return "".join(map(_kept, found)) if found != entity else entity


def _kept(character: str) -> str:
    return chr(FIRST_PRIVATE + ord(character)) if ord(character) < 0x10000 else character


def _plain(character: str) -> str:
    private = FIRST_PRIVATE <= ord(character) < FIRST_PRIVATE + 0x10000
    return chr(ord(character) - FIRST_PRIVATE) if private else character
