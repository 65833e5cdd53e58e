"""The way out, whole: fallback, forward and heartbeat on a real broker, against the sandbox."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from support.fleet import Fleet, Worker
from support.waiting import wait_for

pytestmark = pytest.mark.kafka


def line(service: str, score: float = 0.99) -> bytes:
    document = {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "service": service,
        "level": "ERROR",
        "message": f"{service} can't reach its database",
        "anomaly_score": score,
    }
    return json.dumps(document).encode()


class Switch:
    """A dead-man's switch."""

    def __init__(self) -> None:
        self.called_at: list[float] = []
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                switch.called_at.append(time.monotonic())
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/s3cr3t-ping"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def switch() -> Iterator[Switch]:
    made = Switch()
    yield made
    made.close()


def started(fleet: Fleet, **config: object) -> Worker:
    fleet.with_sandbox("pagerduty", "slack")
    fleet.configure(groupWait="0s", **config)
    fleet.create_topics()
    worker = fleet.worker("a", "pipeline", "view", "pagerduty", "slack")
    worker.wait_ready()
    return worker


def by_platform(fleet: Fleet) -> dict[str, list[str]]:
    assert fleet.sandbox is not None
    found: dict[str, list[str]] = {}
    for ticket in fleet.sandbox.tickets():
        found.setdefault(ticket["platform"], []).append(ticket["correlation"])
    return found


def test_a_rejected_or_late_page_reaches_the_fallback(
    fleet: Fleet,
) -> None:
    started(
        fleet,
        routing={"critical": ["pagerduty"], "fallback": ["slack"]},
        deliverWithin={"critical": "4s"},
    )
    assert fleet.sandbox is not None
    fleet.feed([line("healthy")])
    fleet.wait_tickets(lambda found: len(found) == 1, "a ticket where nothing is wrong")
    assert list(by_platform(fleet)) == ["pagerduty"]
    fleet.sandbox.set_fault("pagerduty", "down")
    fleet.feed([line("late")])
    found = fleet.wait_tickets(
        lambda tickets: any(t["platform"] == "slack" for t in tickets), "the fallback's ticket"
    )
    (told,) = [ticket for ticket in found if ticket["platform"] == "slack"]
    incident = fleet.incidents()[told["correlation"]]
    assert incident.service == "late"
    assert incident.failures[0].text.startswith("pagerduty did not take it within 4 s")
    assert incident.routes == ["pagerduty", "slack"]
    fleet.sandbox.set_fault("pagerduty", "none")
    fleet.wait_tickets(
        lambda tickets: len([t for t in tickets if t["platform"] == "pagerduty"]) == 2,
        "the late ticket, once the platform is back",
    )


def test_a_forward_makes_one_ticket_under_the_same_key_however_often(fleet: Fleet) -> None:
    worker = started(fleet, routing={"critical": ["pagerduty"]})
    fleet.feed([line("checkout")])
    fleet.wait_tickets(lambda found: len(found) == 1, "the routed ticket")
    incident = worker.only_incident()
    path = f"/api/incidents/{incident['id']}/forward"
    for platform in ("slack", "slack", "pagerduty", "slack"):
        status, answer = worker.post(path, {"platform": platform})
        assert (status, answer["forwardedTo"]) == (200, [platform])
    fleet.wait_tickets(lambda found: len(found) == 2, "the forwarded ticket")
    assert worker.post(f"/api/incidents/{incident['id']}/resolve")[0] == 200
    found = fleet.wait_tickets(
        lambda tickets: all(t["state"] == "resolved" for t in tickets), "the end of both"
    )
    assert {t["platform"] for t in found} == {"pagerduty", "slack"}
    assert {t["correlation"] for t in found} == {incident["id"]}
    assert len(found) == 2
    status, problem = worker.post(path, {"platform": "slack"})
    assert (status, problem["currentStatus"]) == (409, "resolved")
    status, problem = worker.post(path, {"platform": "jira"})
    assert (status, problem["field"]) == (400, "platform")


def test_the_heartbeat_stops_with_any_part_of_the_path(
    fleet: Fleet, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = started(
        fleet,
        routing={"critical": ["pagerduty"]},
        heartbeatUrl=switch.url,
        heartbeatEvery="1s",
    )
    wait_for(lambda: len(switch.called_at) >= 2, "calls while nothing happens", 120.0)
    fleet.feed([line("checkout")])
    fleet.wait_tickets(lambda found: len(found) == 1, "a ticket")
    before = len(switch.called_at)
    wait_for(lambda: len(switch.called_at) > before, "calls after a ticket", 120.0)
    worker.kill("pagerduty")
    # A minute after its last report the calls stay away.
    wait_for(lambda: time.monotonic() - switch.called_at[-1] > 15.0, "silence", 180.0)
    worker.start("pagerduty")
    before = len(switch.called_at)
    wait_for(lambda: len(switch.called_at) > before, "calls once it is back", 120.0)
    for role in ("pipeline", "pagerduty"):
        assert "s3cr3t-ping" not in worker.log(role)


def test_what_a_platform_refused_is_redriven_once_it_is_mended(fleet: Fleet) -> None:
    worker = started(fleet, routing={"critical": ["pagerduty"]})
    assert fleet.sandbox is not None
    fleet.sandbox.set_fault("pagerduty", "server_error", status=400)
    fleet.feed([line("checkout"), b"no record at all"])
    path = "/api/v1/dead-letters"

    def both() -> list[dict[str, Any]] | None:
        status, found = worker.get(path)
        assert status == 200, found
        return found if len(found) == 2 else None

    letters = {letter["stage"]: letter for letter in wait_for(both, "two dead letters", 120.0)}
    delivery, record = letters["delivery"], letters["detection"]
    _, shown = worker.get(f"{path}/{delivery['id']}")
    assert (shown["reason"], shown["platform"]) == ("invalid", "pagerduty")
    assert shown["request"].startswith("POST http://127.0.0.1")
    assert '"event_action":"trigger"' in shown["request"]
    assert '"routing_key":"****"' in shown["request"]
    fleet.sandbox.set_fault("pagerduty", "none")
    status, answer = worker.post(f"{path}/{delivery['id']}/redrive", {"by": "anna"})
    assert (status, answer["by"]) == (200, "anna"), answer
    fleet.wait_tickets(lambda found: len(found) == 1, "the ticket that was refused")
    for letter in (delivery, record):
        statuses = [worker.post(f"{path}/{letter['id']}/redrive")[0] for _ in range(2)]
        assert statuses == ([409, 409] if letter is delivery else [200, 409])
    # What is no record is none the second time either, and says so in a letter of its own.
    wait_for(lambda: len(worker.get(path)[1]) == 3 or None, "the record's second letter", 120.0)
    assert len(fleet.sandbox.tickets()) == 1
