"""Messages for Slack in Block Kit, within its limits.

https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sinks.platform import STATUS_STEPS
from sinks.text.parts import Text, steps
from sinks.text.writer import Writer
from ticketing.domain.events import Action
from ticketing.domain.incidents.commands import allowed_actions
from ticketing.domain.incidents.incident import Incident, Status, Step, StepKind
from ticketing.domain.severity import Severity
from ticketing.domain.text import ELLIPSIS, cut, line

# Limits of Block Kit; a note's title, the context and the fallback text are ours and not higher.
HEADER_CHARS_MAX = 150
SECTION_CHARS_MAX = 3000
SECTION_TITLE_MAX = 300
FIELDS_MAX = 10
CONTEXT_CHARS_MAX = 2000
TEXT_CHARS_MAX = 4000

# Shares of the about 13,000 characters that all blocks of a message may hold together
# (https://github.com/slackapi/bolt-js/issues/2509). A reply in the thread is a message of its own:
# STEPS_CHARS_MAX leaves room in a section for the line that counts the steps left out.
NOTES_CHARS_MAX = 1000
STEP_CHARS_MAX = 600
NEEDED_MAX = 10
FACT_CHARS_MAX = 250
DETAILS_MAX = 10
DETAIL_CHARS_MAX = 200
SUMMARY_CHARS_MAX = 1500
NEXT_CHARS_MAX = 900
EVIDENCE_CHARS_MAX = 2000
LINKS_CHARS_MAX = 1200
STEPS_CHARS_MAX = 2900
STEPS_SECTIONS_MAX = 3

INCIDENT_EVENT = "ticketing_incident"
STEPS_EVENT = "ticketing_steps"
TURN_EVENT = "ticketing_turn"
"""Metadata types by which our messages and replies are found again."""

TIME_MIN, TIME_MAX = 0.0, 4_102_444_800.0
"""Times that Slack can show: from 1970 to 2100."""
ELEMENTS_MAX = 25
"""Slack's limit of elements in a block."""
LINK_PREFIX = "link_"
"""The prefix of the action ids of buttons that only open an address."""
ACTION_PREFIX = "ticketing_"
"""The prefix of our buttons' action ids, before the action."""
BUTTONS = (
    (Action.ACKNOWLEDGE, "Acknowledge", "primary"),
    (Action.ESCALATE, "Escalate", ""),
    (Action.RESOLVE, "Resolve", "danger"),
)
LINK_BUTTONS_MAX = ELEMENTS_MAX - len(BUTTONS)
FENCE = "```"
REPEATED = "Possible repeat: an earlier attempt at this message may have arrived."

_SIGNS = {
    Severity.CRITICAL: "\N{LARGE RED CIRCLE}",
    Severity.HIGH: "\N{LARGE ORANGE CIRCLE}",
    Severity.MEDIUM: "\N{LARGE YELLOW CIRCLE}",
    Severity.LOW: "\N{LARGE BLUE CIRCLE}",
}
_WORDS = {
    Status.OPEN: "Open",
    Status.ACKNOWLEDGED: "Acknowledged",
    Status.ESCALATED: "Escalated",
    Status.RESOLVED: "Resolved",
}

STATUS_CHARS_MAX = 40
"""Longer than any status; bounds what an unknown one takes of a header."""

Block = dict[str, Any]


def escaped(text: str, limit: int) -> str:
    """The text escaped for Slack, cut to `limit` characters as sent; an ellipsis marks the cut.

    Line ends stay, other control characters go. No mention or link in the text takes effect.
    """
    shown = "".join(c if c.isprintable() or c == "\n" else " " for c in text[: limit + 1])
    whole = _escape(shown)
    if len(whole) <= limit and len(text) <= limit:
        return whole
    parts: list[str] = []
    left = limit - len(ELLIPSIS)
    for one in map(_escape, shown):
        left -= len(one)
        if left < 0:
            break
        parts.append(one)
    return "".join(parts).rstrip() + ELLIPSIS


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def parent(
    incident: Incident, writer: Writer, *, buttons: bool, mention: str = ""
) -> dict[str, Any]:
    """The message of an incident in its present state, with metadata to find it again.

    `mention` is configured mark-up that notifies people when the message is posted. The order is
    that of need: state and headline, the latest step, the summary, what is needed first, links,
    evidence, and below it the details.
    """
    text = writer.text(incident)
    blocks = [_header(incident, text), *_mentioning(mention), *_latest(incident)]
    if writer.own_body:
        body = escaped(writer.body(incident), 3 * SECTION_CHARS_MAX)
        blocks += [_section(part) for part in _parts(body, SECTION_CHARS_MAX)]
        blocks += [*_linked(text, buttons), _context(f"Incident {incident.id}")]
    else:
        blocks += _described(text, buttons)
    shown = _buttons(incident, text) if buttons else []
    if shown:
        blocks.append({"type": "actions", "block_id": "ticketing", "elements": shown})
    return {
        "text": _fallback(incident, text, mention),
        "blocks": blocks,
        "metadata": {
            "event_type": INCIDENT_EVENT,
            "event_payload": {
                "id": writer.key(incident.id),
                "status": incident.status.value,
                "severity": incident.severity.value,
                "revision": incident.revision,
            },
        },
        "unfurl_links": False,
        "unfurl_media": False,
    }


def reply(key: str, told: list[Step], *, page: int = 0, mention: str = "") -> dict[str, Any]:
    """A reply in the thread: steps of the timeline, a line each, oldest first.

    A reply that is a `page`, by its number, or tells an escalation, is also shown in the channel.
    `mention` as in `parent`.
    """
    lines = [escaped(one, STEPS_CHARS_MAX) for one in steps(told)]
    sections = _joined(lines, STEPS_CHARS_MAX, STEPS_SECTIONS_MAX)
    return {
        "text": cut(" ".join(filter(None, [mention, sections[0]])), TEXT_CHARS_MAX),
        "blocks": [*_mentioning(mention), *map(_verbatim, sections)],
        "metadata": {
            "event_type": STEPS_EVENT,
            "event_payload": {
                "id": key,
                "through": told[-1].seq,
                **({"page": page} if page else {}),
            },
        },
        "reply_broadcast": page > 0 or any(step.kind is StepKind.ESCALATED for step in told),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def note(incident: Incident, writer: Writer, told: list[Step], mention: str = "") -> dict[str, Any]:
    """Steps of the timeline as a message of its own, for a webhook, which has no threads."""
    message = reply(writer.key(incident.id), told, mention=mention)
    title = escaped(f"{_word(incident.status)}: {writer.title(incident)}", SECTION_TITLE_MAX)
    return {
        **message,
        "text": cut(f"{message['text']}\n{title}", TEXT_CHARS_MAX),
        "blocks": [
            _verbatim(title),
            *message["blocks"],
            _context(f"Incident {incident.id}"),
        ],
    }


def repeated(message: dict[str, Any]) -> dict[str, Any]:
    """The message with the remark that it may be a repeat."""
    return {
        **message,
        "text": cut(f"{REPEATED} {message['text']}", TEXT_CHARS_MAX),
        "blocks": [*message["blocks"], _context(REPEATED)],
    }


def bare(message: dict[str, Any]) -> dict[str, Any]:
    """The message without blocks, with as much as fits into its text.

    Without `parse`, Slack would make links of the addresses in a log line, and in an edit of the
    names of people and channels too.
    """
    words = "\n".join(_words(message["blocks"]))
    text = cut(words or message["text"], TEXT_CHARS_MAX)
    return {**message, "text": text, "blocks": [], "parse": "none"}


def turn(incident: Incident, writer: Writer) -> dict[str, Any]:
    """A reply to the whole channel with the present state, for a message that can't be edited."""
    text = writer.text(incident)
    return {
        "text": _fallback(incident, text),
        "blocks": [_header(incident, text)],
        "metadata": {
            "event_type": TURN_EVENT,
            "event_payload": {"id": writer.key(incident.id), "revision": incident.revision},
        },
        "reply_broadcast": True,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def for_update(message: dict[str, Any]) -> dict[str, Any]:
    """The parts of a message that can be edited."""
    return {name: message[name] for name in ("text", "blocks", "metadata")}


def for_webhook(message: dict[str, Any]) -> dict[str, Any]:
    """The parts of a message that an incoming webhook takes."""
    taken = ("text", "blocks", "unfurl_links", "unfurl_media")
    return {name: message[name] for name in taken}


def _word(status: Status) -> str:
    return _WORDS.get(status) or cut(line(status.value), STATUS_CHARS_MAX)


def _fallback(incident: Incident, text: Text, mention: str = "") -> str:
    """The text of notifications, and of clients without blocks."""
    said = escaped(f"{_word(incident.status)}: {text.title}", TEXT_CHARS_MAX - len(mention) - 1)
    return f"{mention} {said}" if mention else said


def _mentioning(mention: str) -> list[Block]:
    """A block that notifies; its text comes from the configuration alone."""
    return [_section(mention)] if mention else []


def _header(incident: Incident, text: Text) -> Block:
    sign = _SIGNS[incident.severity.nearest]
    if incident.status is Status.RESOLVED:
        sign = "\N{WHITE HEAVY CHECK MARK}"
    title = escaped(f"{sign} {_word(incident.status)}: {text.title}", HEADER_CHARS_MAX)
    return {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}


def _latest(incident: Incident) -> list[Block]:
    """The latest step of the timeline, except the opening, which the message shows anyway."""
    told = [step for step in incident.timeline if step.kind in STATUS_STEPS]
    if not told or told[-1].kind is StepKind.OPENED:
        return []
    return [_verbatim(escaped(steps(told[-1:])[0], STEP_CHARS_MAX))]


def _described(text: Text, buttons: bool) -> list[Block]:
    blocks: list[Block] = []
    if text.notes:
        blocks.append(_verbatim(escaped("\n".join(text.notes), NOTES_CHARS_MAX)))
    summary = escaped(text.summary, SUMMARY_CHARS_MAX)
    if summary and text.leads:
        by = f"\n(written by {escaped(text.summary_by, 100)})" if text.summary_by else ""
        blocks.append(_verbatim(summary + by))
    fields = [
        field
        for label, value in text.needed[:NEEDED_MAX]
        for field in (_mrkdwn(f"*{_escape(label)}*"), _value(text, label, value))
    ]
    for start in range(0, len(fields), FIELDS_MAX):
        blocks.append({"type": "section", "fields": fields[start : start + FIELDS_MAX]})
    if text.next_steps:
        listed = "\n".join(f"{number}. {one}" for number, one in enumerate(text.next_steps, 1))
        blocks.append(_section("*Next steps*"))
        blocks.append(_verbatim(escaped(listed, NEXT_CHARS_MAX)))
    blocks += _linked(text, buttons)
    if text.evidence:
        # A code block has no markup but its end, which no line may contain.
        lines = "\n".join(text.evidence).replace(FENCE, "'''")
        quoted = escaped(lines, EVIDENCE_CHARS_MAX)
        blocks.append(_section(f"*Evidence*\n{FENCE}\n{quoted}\n{FENCE}"))
    if summary and not text.leads:
        blocks.append(_verbatim(summary))
    details = [_detail(text, label, value) for label, value in text.facts[:DETAILS_MAX]]
    return [*blocks, *([{"type": "context", "elements": details}] if details else [])]


def _value(text: Text, label: str, value: str) -> dict[str, Any]:
    """A fact's value; a time is shown in the reader's own zone."""
    local = _local(text.times.get(label), value)
    return _mrkdwn(local) if local else _plain(escaped(value, FACT_CHARS_MAX))


def _detail(text: Text, label: str, value: str) -> dict[str, Any]:
    local = _local(text.times.get(label), value)
    if local:
        return _mrkdwn(f"{_escape(label)}: {local}")
    return _plain(escaped(f"{label}: {value}", DETAIL_CHARS_MAX))


def _local(at: float | None, shown: str) -> str:
    """A time in the zone of each reader, with the time in UTC for clients that can't; or nothing.

    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    if at is None or not TIME_MIN < at < TIME_MAX:
        return ""
    return f"<!date^{int(at)}^{{date_short_pretty}} {{time_secs}}|{_escape(shown)}>"


def _linked(text: Text, buttons: bool) -> list[Block]:
    """The links; with buttons, the configured ones are among these as far as there is room."""
    shown = text.own[:LINK_BUTTONS_MAX] if buttons else ()
    links = {name: url for name, url in text.links.items() if name not in shown}
    return [_section(_links(links))] if links else []


def _links(links: dict[str, str]) -> str:
    shown: list[str] = []
    left = LINKS_CHARS_MAX
    for name, url in links.items():
        address = _escape(line(url)).replace("|", "%7C").replace(" ", "%20")
        one = f"<{address}|{escaped(name, 75)}>"
        if len(one) + 3 > left:
            # One address that is too long costs no other.
            continue
        left -= len(one) + 3
        shown.append(one)
    return " | ".join([*shown, *([ELLIPSIS] if len(shown) < len(links) else [])])


def _buttons(incident: Incident, text: Text) -> list[Block]:
    """The actions that are allowed now, and the configured links."""
    allowed = allowed_actions(incident.status)
    actions = [
        {
            "type": "button",
            "action_id": f"{ACTION_PREFIX}{action.value}",
            "value": incident.id,
            "text": {"type": "plain_text", "text": label},
            **({"style": style} if style else {}),
        }
        for action, label, style in BUTTONS
        if action in allowed
    ]
    links = [
        {
            "type": "button",
            "action_id": f"{LINK_PREFIX}{name}",
            "url": text.links[name],
            "text": {"type": "plain_text", "text": name, "emoji": False},
        }
        for name in text.own[:LINK_BUTTONS_MAX]
    ]
    return [*actions, *links]


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text or "-", "emoji": False}


def _verbatim(text: str) -> Block:
    """A section of plain text, in which nothing that a log line holds is markup."""
    return {"type": "section", "text": _plain(text)}


def _words(value: Any) -> list[str]:
    """The texts of blocks, at any depth, in their order."""
    if isinstance(value, list):
        return [text for item in value for text in _words(item)]
    if not isinstance(value, dict) or value.get("type") == "actions":
        return []
    own = [value["text"]] if isinstance(value.get("text"), str) else []
    return own + [text for item in value.values() for text in _words(item)]


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> Block:
    element = _mrkdwn(escaped(text, CONTEXT_CHARS_MAX))
    return {"type": "context", "elements": [element]}


def _parts(text: str, limit: int) -> Iterable[str]:
    """The text in pieces, without blank ones, which Slack refuses."""
    pieces = (text[start : start + limit] for start in range(0, len(text), limit))
    return [piece for piece in pieces if piece.strip()]


def _joined(lines: list[str], limit: int, sections_max: int) -> list[str]:
    """The lines in as few pieces as possible; lines that do not fit are counted."""
    pieces = [""]
    for number, one in enumerate(lines):
        joined = f"{pieces[-1]}\n{one}" if pieces[-1] else one
        if len(joined) <= limit:
            pieces[-1] = joined
        elif len(pieces) < sections_max:
            pieces.append(one)
        else:
            pieces[-1] += f"\n{ELLIPSIS} and {len(lines) - number} more steps"
            break
    return pieces
