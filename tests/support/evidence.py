"""Requests of a made-up system, as the domain of evidence takes them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ticketing.domain.evidence.tally import SLOT_SECONDS, Tally
from ticketing.domain.traces.calltree import call_tree
from ticketing.domain.traces.facts import Facts, facts_of
from ticketing.domain.traces.spans import Line, gathered

Request = tuple[Facts, dict[str, str]]
"""Facts, and the service of each alert's fingerprint."""


def line_of(record: dict[str, Any]) -> Line:
    """The line of an enriched log; an anomaly's fingerprint names service, endpoint and level."""
    score = record.get("anomaly_score") or 0.0
    service, endpoint = record.get("service", ""), record.get("endpoint", "")
    return Line(
        at=datetime.fromisoformat(record["@timestamp"].replace("Z", "+00:00")).timestamp(),
        span_id=record.get("span_id", ""),
        parent_id=record.get("parent_span_id", ""),
        service=service,
        endpoint=endpoint,
        level=record.get("level", ""),
        duration=(record.get("duration_ms") or 0.0) / 1000,
        score=score,
        message=record.get("message", ""),
        fingerprint=f"{service}/{endpoint}/{record.get('level')}" if score >= 0.85 else "",
        host=record.get("host_name", ""),
    )


def requests_of(records: Iterable[dict[str, Any]]) -> list[Request]:
    """The whole requests of enriched logs, by their end."""
    by_trace: dict[str, list[Line]] = defaultdict(list)
    known: dict[str, None] = {}
    for record in records:
        if record.get("trace_id"):
            line = line_of(record)
            by_trace[record["trace_id"]].append(line)
            known[line.service] = None
    found: list[Request] = []
    for trace, lines in by_trace.items():
        lines.sort(key=lambda line: line.at)
        alerts = {line.fingerprint: line.service for line in lines if line.fingerprint}
        found.append((facts_of(trace, call_tree(gathered(lines)), known), alerts))
    return sorted(found, key=lambda one: (one[0].at, one[0].trace_id))


def tallies_of(
    requests: Iterable[Request], workers: int = 1, seed: int = 0
) -> dict[tuple[int, str], Tally]:
    """The tallies by slot and worker, each request at one worker by chance."""
    chosen = random.Random(seed)
    found: dict[tuple[int, str], Tally] = defaultdict(Tally)
    for facts, alerts in requests:
        slot = int(facts.at // SLOT_SECONDS)
        found[slot, f"w{chosen.randrange(workers)}"].add(facts, alerts)
    return dict(found)
