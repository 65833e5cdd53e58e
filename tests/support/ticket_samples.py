"""Samples of tickets for docs/platforms.md: `python -m support.ticket_samples` in tests writes them.

Each is a request of a sink for one incident, shown as plain text in the order of the platform's page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from support.incidents import ticketed

from sinks.jira.dialect import CLOUD
from sinks.opsgenie import payload as opsgenie
from sinks.opsgenie.settings import Settings as OpsGenieSettings
from sinks.pagerduty import payload as pagerduty
from sinks.servicenow.payload import Author
from sinks.servicenow.settings import Settings as ServiceNowSettings
from sinks.slack import payload as slack
from sinks.slack.settings import Settings as SlackSettings
from sinks.text.services import Services
from sinks.text.writer import Writer, writer_for
from sinks.zammad import payload as zammad
from sinks.zammad.settings import Settings as ZammadSettings
from ticketing.config import Config, validate
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.domain.traces.findings import BlastRadius, Candidate, Findings

PAGE = Path(__file__).parents[2] / "docs" / "platforms.md"
WIDTH_MAX = 108
BEGAN = 1_769_828_400.0
"""2026-01-31 03:00:00 UTC."""
CONFIG: dict[str, Any] = {
    "web": {"publicUrl": "https://ticketing.example"},
    "links": {
        "runbook": "https://wiki.example/runbooks/{{ service|urlencode }}",
        "dashboard": "https://charts.example/d/1?service={{ service|urlencode }}",
    },
    "catalog": {"services": {"checkout": {"team": "payments"}}},
    "slack": {"signingSecret": "s", "mentions": {"critical": "<!subteam^S0123>"}},
}


def incident() -> Incident:
    """A critical incident with findings of traces."""
    return ticketed(
        severity=Severity.CRITICAL,
        environment="production",
        title="POST http://10.2.3.4:8080/pay failed: gateway timed out",
        pattern="POST <*> failed: gateway timed out",
        first_seen=BEGAN,
        last_seen=BEGAN + 250.0,
        count=1234,
        max_score=0.99,
        endpoints=["POST /pay"],
        affected_services=["checkout", "cart"],
        trace_ids=["4bf92f3577b34da6a3ce929d0e0e4736"],
        windows=[(int(BEGAN) - 900, 4), (int(BEGAN), 1230)],
        samples=[
            Sample(
                at=BEGAN,
                level="ERROR",
                message="POST http://10.2.3.4:8080/pay failed: gateway timed out after 30 s",
            )
        ],
        correlation=Findings(
            since=BEGAN,
            until=BEGAN + 250.0,
            traces=40,
            blast_radius=BlastRadius(requests=200, failing_share=0.41, failing_share_before=0.01),
            candidates=[Candidate(service="payment", score=1.0, reasons=["its calls fail first"])],
        ),
    )


def samples() -> dict[str, str]:
    """The samples by platform."""
    config = validate(CONFIG)
    makers: dict[str, Callable[[Config, Writer], list[str]]] = {
        "pagerduty": _pagerduty,
        "jira": _jira,
        "servicenow": _servicenow,
        "opsgenie": _opsgenie,
        "zammad": _zammad,
        "slack": _slack,
    }
    return {
        name: "\n".join(one[:WIDTH_MAX].rstrip() for one in make(config, writer_for(config, name)))
        for name, make in makers.items()
    }


def document(text: str) -> str:
    """The page with fresh samples; raises ValueError where a marker is missing."""
    for name, sample in samples().items():
        begin, end = f"<!-- sample: {name} -->\n", "<!-- sample: end -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"no {begin.strip()} … {end} in the page")
        text = f"{before}{begin}\n```text\n{sample}\n```\n\n{end}{after}"
    return text


def _pagerduty(config: Config, writer: Writer) -> list[str]:
    event = pagerduty.trigger(incident(), "", "k" * 32, {Severity.CRITICAL: "critical"}, writer)
    details = event["payload"]["custom_details"]
    links = ", ".join(f"{link['text']} → {link['href']}" for link in event["links"])
    return [
        event["payload"]["summary"],
        f"Links: {links}",
        *(f"{name}: {_words(value)}" for name, value in details.items()),
    ]


def _jira(config: Config, writer: Writer) -> list[str]:
    document = CLOUD.ticket(writer.text(incident()), [])
    return [writer.title(incident()), "", *_lines_of(document)]


def _servicenow(config: Config, writer: Writer) -> list[str]:
    settings = ServiceNowSettings.of(config.servicenow, Services.of(config))
    texts = Author(settings, writer).texts(incident())
    return [texts["short_description"], "", *texts["description"].splitlines()]


def _opsgenie(config: Config, writer: Writer) -> list[str]:
    settings = OpsGenieSettings.of(config.opsgenie, Services.of(config))
    alert = opsgenie.alert(incident(), "", writer, settings, "")
    team = ", ".join(one["name"] for one in alert["responders"])
    return [alert["message"], f"Responders: {team}", "", *alert["description"].splitlines()]


def _zammad(config: Config, writer: Writer) -> list[str]:
    settings = ZammadSettings.of(config.zammad, Services.of(config))
    ticket = zammad.ticket(incident(), "Users", writer, settings)
    return [ticket["title"], "", *ticket["article"]["body"].splitlines()]


def _slack(config: Config, writer: Writer) -> list[str]:
    settings = SlackSettings.of(config.slack, Services.of(config))
    mention = settings.mention_for(incident())
    message = slack.parent(incident(), writer, buttons=True, mention=mention)
    return [one for block in message["blocks"] for one in _block(block)]


def _block(block: dict[str, Any]) -> Iterator[str]:
    if block["type"] == "actions":
        yield " ".join(f"[{one['text']['text']}]" for one in block["elements"])
        return
    fields = [_shown(one) for one in block.get("fields", [])]
    yield from (f"{name}: {value}" for name, value in zip(fields[::2], fields[1::2], strict=True))
    if "text" in block:
        yield from _shown(block["text"]).splitlines()
    if block["type"] == "context":
        yield " · ".join(_shown(one) for one in block["elements"])


def _shown(text: dict[str, Any]) -> str:
    """A text object as a reader in UTC sees it."""
    words = re.sub(r"<!date\^[^|]*\|([^>]*) UTC>", r"\1 (local time)", text["text"])
    words = re.sub(r"<!subteam\^[^>]*>", "@payments-on-call", words)
    words = re.sub(r"<(https?:[^|>]*)\|([^>]*)>", r"\2", words)
    return html.unescape(re.sub(r"\*([^*\n]+)\*", r"\1", words).replace("```", "")).strip()


def _words(value: Any) -> str:
    return "; ".join(value) if isinstance(value, list) else str(value)


def _lines_of(node: dict[str, Any]) -> Iterator[str]:
    """The lines of a document of Jira; a panel has a bar at its left."""
    kind, inner = node["type"], node.get("content", [])
    if kind in ("paragraph", "heading", "codeBlock"):
        text = "".join("\n" if one["type"] == "hardBreak" else _text(one) for one in inner)
        yield from text.splitlines()
    elif kind == "tableRow":
        yield "| " + " | ".join(" ".join(_lines_of(cell)) for cell in inner) + " |"
    else:
        mark = {"panel": "┃ ", "listItem": "- "}.get(kind, "")
        for one in inner:
            yield from (f"{mark}{line}" for line in _lines_of(one))


def _text(node: dict[str, Any]) -> str:
    links = [one["attrs"]["href"] for one in node.get("marks", []) if one["type"] == "link"]
    return f"{node['text']} → {links[0]}" if links else str(node["text"])


if __name__ == "__main__":
    PAGE.write_text(document(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
