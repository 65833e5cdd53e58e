"""Text for Jira Data Center in wiki markup; markup in an incident's own text is escaped.

https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all
"""

from __future__ import annotations

import re
from typing import Any

from sinks.text.parts import Text
from sinks.text.utf16 import cut_units, latest, shares
from ticketing.config.template import clean

SUMMARY_CHARS_MAX, FACTS_CHARS_MAX, LISTS_CHARS_MAX, EVIDENCE_CHARS_MAX = 4_000, 3_000, 2_000, 5_000
"""Shares of a description. Escaping can double a text, so that the shares are smaller than in ADF;
what is still too long is cut at the end."""
LINES_CHARS_MAX = 15_000
"""Below half of `CHARS_MAX`, as escaping can double a text."""
CHARS_MAX = 32_767
"""Jira's limit of a long text field."""

_SPECIAL = re.compile(
    r"""
    (?P<marks> [\[\]{}|!] | (?<![^\W_])[*_+^~?#-] | [*_+^~?#-](?![^\W_]) )
    | \\
    # What would be read as an entity, such as ours.
    | &(?=\#?\w+;)
    # Emoticons.
    | [:;](?=[()PDpd]) | \((?=([yni/x!+?*-]|on|off|\*[rgby]|flag|flagoff)\))
    # Headings and quotes, which only the beginning of a line makes.
    | (?<=^h[1-6])\. | (?<=^bq)\.
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_FENCE = re.compile(r"\{(?=noformat)", re.IGNORECASE)


def ticket(text: Text, remarks: list[str], key: str = "") -> str:
    """An incident as a description; `remarks` say what could not be done as configured."""
    parts = [f"(!) {escape(one)}" for one in shares(_clean(text.notes), LISTS_CHARS_MAX) if one]
    summary = escape(cut_units(clean(text.summary), SUMMARY_CHARS_MAX))
    if text.leads:
        parts.append(summary)
        if text.summary_by:
            parts.append(f"(written by {escape(cut_units(clean(text.summary_by), 100))})")
    parts.append(_panel(text.needed))
    parts.append(_list("#", "Next steps", text.next_steps))
    if text.links:
        links = [f"* {escape(name)}: {url}" for name, url in text.links.items()]
        parts.append("h3. Links\n" + "\n".join(links))
    if evidence := "\n".join(shares(_clean(text.evidence), EVIDENCE_CHARS_MAX)).strip():
        parts.append(f"h3. Evidence\n{_verbatim(evidence)}")
    parts.append("" if text.leads else summary)
    parts.append(_table(text.facts))
    parts.append(_list("*", "Not as configured", remarks))
    return _whole(parts, key)


def paragraphs(text: str, remarks: list[str], key: str = "") -> str:
    """Plain text as the value of a long text field."""
    body = escape(cut_units(clean(text), LINES_CHARS_MAX - LISTS_CHARS_MAX))
    return _whole([body, _list("*", "Not as configured", remarks)], key)


def lines(told: list[str]) -> str:
    """The lines as a comment, in a list if there are several."""
    kept = [escape(one) for one in latest(_clean(told), LINES_CHARS_MAX) if one]
    return kept[0] if len(kept) == 1 else _whole(["\n".join(f"* {one}" for one in kept)])


def says(body: Any, told: str) -> bool:
    """True if a comment's text, as Jira returned it, has the line `told`."""
    if not isinstance(body, str):
        return False
    return escape(clean(told)) in re.split(r"\r?\n(?:\* )?", f"\n{body}")


def escape(text: str) -> str:
    """The text as wiki markup that shows the text unchanged."""
    escaped = _SPECIAL.sub(_escaped, text)
    # The end of an entity and a parenthesis would be an emoticon.
    return escaped.replace(";)", ";&#41;")


def _escaped(match: re.Match[str]) -> str:
    found = match[0]
    if match.lastgroup == "marks":
        return f"\\{found}"
    return "".join(f"&#{ord(one)};" for one in found)


def _clean(texts: list[str]) -> list[str]:
    return [cleaned for text in texts if (cleaned := clean(text))]


def _verbatim(text: str) -> str:
    # Only its own name in braces ends such a block.
    return "{noformat}\n" + _FENCE.sub("{\u200b", text) + "\n{noformat}"


def _list(bullet: str, title: str, items: list[str]) -> str:
    kept = [f"{bullet} {escape(one)}" for one in shares(_clean(items), LISTS_CHARS_MAX) if one]
    return "\n".join([f"h3. {title}", *kept]) if kept else ""


def _panel(facts: list[tuple[str, str]]) -> str:
    """The facts that are needed first, in a panel, a line each."""
    values = shares([clean(value).replace("\n", " ") for _, value in facts], FACTS_CHARS_MAX)
    pairs = zip(facts, values, strict=True)
    said = "\n".join(f"*{label}:* {escape(value) or '-'}" for (label, _), value in pairs)
    return f"{{panel}}\n{said}\n{{panel}}" if said else ""


def _table(facts: list[tuple[str, str]]) -> str:
    values = shares([clean(value).replace("\n", " ") for _, value in facts], FACTS_CHARS_MAX)
    pairs = zip(facts, values, strict=True)
    return "\n".join(f"||{label}|{escape(value) or '-'}|" for (label, _), value in pairs)


def _whole(parts: list[str], key: str = "") -> str:
    end = f"\n\n{key}" if key else ""
    whole = cut_units("\n\n".join(part for part in parts if part), CHARS_MAX - len(end))
    return f"{whole}{end}".strip() or "-"
