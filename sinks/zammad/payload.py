"""Tickets and articles for Zammad, within its limits.

https://docs.zammad.org/en/latest/api/ticket/index.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinks.text.keys import free_tag, tag_of
from sinks.text.writer import Writer
from sinks.zammad.settings import GUESS, Settings
from tables.deliveries import Shown
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.text import cut, line

TITLE_CHARS_MAX = 250
"""Zammad's limit."""
TAG_CHARS_MAX = 100
"""Keeps the name of a service whole, and a list of tags readable."""
BODY_CHARS_MAX = 20_000
"""Far below Zammad's limit; nobody reads a longer article."""


def ticket(
    incident: Incident,
    group: str,
    writer: Writer,
    settings: Settings,
    own: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A new ticket with its first article. If no customer is configured, the caller adds one.

    `own` are the attributes of `zammad.fields`. The ticket is found by its key: a hidden note, and a
    tag.
    """
    key = writer.key(incident.id)
    return {
        **(own or {}),
        "title": title(incident, writer),
        "group": group,
        "state": settings.states.open,
        "priority": settings.priority_for(incident),
        "tags": tags(incident, settings, key),
        "note": key,
        "article": article(title(incident, writer), writer.body(incident)),
        **({"owner": settings.owner} if settings.owner else {}),
        **_customer(settings),
    }


def article(subject: str, body: str) -> dict[str, Any]:
    """A note in plain text, hidden from customers."""
    return {
        "subject": cut(subject, TITLE_CHARS_MAX),
        "body": cut(body, BODY_CHARS_MAX),
        "type": "note",
        "internal": True,
        "content_type": "text/plain",
    }


def title(incident: Incident, writer: Writer) -> str:
    """The ticket's title, one line."""
    return cut(writer.title(incident), TITLE_CHARS_MAX)


def fields(incident: Incident, was: Shown, writer: Writer, settings: Settings) -> dict[str, Any]:
    """The title, and the priority if the severity rose: until then people's choice stays."""
    if incident.severity.rank <= was.severity.rank:
        return {"title": title(incident, writer)}
    return {"title": title(incident, writer), "priority": settings.priority_for(incident)}


def news(incident: Incident, was: Shown, links: dict[str, str], writer: Writer) -> dict[str, Any]:
    """An article about a changed summary or changed links; empty without such a change.

    The subject has the revision, so that a repeat is recognised.
    """
    subject = f"Revision {incident.revision}"
    summary = incident.summary.revision if incident.summary else 0
    if summary != was.summary:
        return article(subject, writer.body(incident))
    if links != was.links:
        told = (f"{line(name)}: {line(where)}" for name, where in links.items())
        return article(subject, "Tickets elsewhere:\n" + "\n".join(told))
    return {}


def _customer(settings: Settings) -> dict[str, Any]:
    if not settings.customer:
        return {}
    name = "customer_id" if settings.customer.startswith(GUESS) else "customer"
    return {name: settings.customer}


def tags(incident: Incident, settings: Settings, key: str) -> str:
    """The tags, separated by commas, which no tag may hold."""
    named = (*settings.tags, incident.service, incident.environment)
    written = [cut(free_tag(line(one.replace(",", " "))), TAG_CHARS_MAX) for one in named]
    return ",".join(dict.fromkeys([tag_of(key), *filter(None, written)]))
