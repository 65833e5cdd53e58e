"""The stand-in for PagerDuty is as strict as PagerDuty."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.sandbox.pagerduty.credentials import ROUTING_KEYS

CRITICAL, LOW = ROUTING_KEYS["critical"], ROUTING_KEYS["low"]
KEY = "ticketing-abcdef0123456789-0123456789abcdef"
PAYLOAD = {"summary": "checkout fails", "source": "checkout", "severity": "critical"}


def event(action: str = "trigger", **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"routing_key": CRITICAL, "event_action": action, "dedup_key": KEY}
    if action == "trigger":
        body["payload"] = PAYLOAD
    return {**body, **changes}


async def send(call: Any, action: str = "trigger", **changes: Any) -> Any:
    return await call("POST", "/pagerduty/v2/enqueue", event(action, **changes))


async def test_a_trigger_is_accepted_and_opens_one_ticket(call: Any) -> None:
    answer = await send(call)
    assert answer.status == 202
    assert answer.body == {"status": "success", "message": "Event processed", "dedup_key": KEY}
    (ticket,) = call.sandbox.tickets("pagerduty")
    assert ticket["correlation"] == "abcdef0123456789-0123456789abcdef"
    assert ticket["state"] == "open"


async def test_a_second_trigger_of_an_open_alert_opens_no_other(call: Any) -> None:
    await send(call)
    await send(call)
    (ticket,) = call.sandbox.tickets("pagerduty")
    assert ticket["repeats"] == 1


async def test_a_trigger_after_a_resolve_opens_another(call: Any) -> None:
    for action in ("trigger", "resolve", "trigger"):
        await send(call, action)
    tickets = call.sandbox.tickets("pagerduty")
    assert [ticket["state"] for ticket in tickets] == ["resolved", "open"]
    assert [ticket["duplicates"] for ticket in tickets] == [1, 1]


async def test_a_resolve_through_another_routing_key_is_accepted_and_dropped(call: Any) -> None:
    await send(call)
    assert (await send(call, "resolve", routing_key=LOW)).status == 202
    assert call.sandbox.tickets("pagerduty")[0]["state"] == "open"


async def test_an_acknowledge_without_an_open_alert_is_accepted_and_dropped(call: Any) -> None:
    assert (await send(call, "acknowledge")).status == 202
    assert call.sandbox.tickets("pagerduty") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"routing_key": "short"},
        {"routing_key": "0" * 32},
        {"event_action": "reopen"},
        {"dedup_key": "k" * 256},
        {"payload": None},
        {"payload": {**PAYLOAD, "summary": "s" * 1025}},
        {"payload": {**PAYLOAD, "summary": ""}},
        {"payload": {**PAYLOAD, "severity": "CRITICAL"}},
        {"payload": {**PAYLOAD, "custom_details": "text"}},
        {"payload": {**PAYLOAD, "timestamp": "yesterday"}},
        {"links": [{"text": "no address"}]},
        {"images": [{"src": "http://insecure.example/a.png"}]},
    ],
)
async def test_a_bad_trigger_is_refused(call: Any, changes: dict[str, Any]) -> None:
    answer = await send(call, **changes)
    assert answer.status == 400
    assert answer.body["status"] == "invalid event"
    assert answer.body["errors"]
    assert call.sandbox.tickets() == []


async def test_an_event_that_is_too_large_is_refused(call: Any) -> None:
    details = {"log": "x" * 512_000}
    assert (await send(call, payload={**PAYLOAD, "custom_details": details})).status == 413


async def test_a_resolve_needs_a_key(call: Any) -> None:
    assert (await send(call, "resolve", dedup_key=None)).status == 400


async def test_a_body_that_is_no_json_is_refused(call: Any) -> None:
    answer = await call(
        "POST",
        "/pagerduty/v2/enqueue",
        data=b"{",
        headers={"Content-Type": "application/json"},
    )
    assert answer.status == 400
    assert answer.body["status"] == "Unrecognized object"


async def opened(call: Any, headers: Any) -> str:
    await send(call)
    path = f"/pagerduty/incidents?incident_key={KEY}&service_ids[]=PSVCCRITICAL"
    found = await call("GET", path, headers=headers["pagerduty"])
    return str(found.body["incidents"][0]["id"])


async def test_an_event_is_found_as_an_incident(call: Any, headers: Any) -> None:
    incident = await opened(call, headers)
    answer = await call("GET", f"/pagerduty/incidents/{incident}", headers=headers["pagerduty"])
    assert answer.body["incident"]["status"] == "triggered"
    assert answer.body["incident"]["urgency"] == "high"


async def test_rest_refuses_a_wrong_token(call: Any) -> None:
    wrong = {"Authorization": "Token token=wrong"}
    assert (await call("GET", "/pagerduty/abilities", headers=wrong)).status == 401


async def test_rest_refuses_a_write_without_a_known_user(call: Any, headers: Any) -> None:
    incident = await opened(call, headers)
    only_token = {"Authorization": headers["pagerduty"]["Authorization"]}
    body = {"incident": {"type": "incident_reference", "status": "resolved"}}
    answer = await call("PUT", f"/pagerduty/incidents/{incident}", body, headers=only_token)
    assert answer.status == 400


async def test_rest_resolves_once(call: Any, headers: Any) -> None:
    path = f"/pagerduty/incidents/{await opened(call, headers)}"
    body = {"incident": {"type": "incident_reference", "status": "resolved"}}
    first = await call("PUT", path, body, headers=headers["pagerduty"])
    second = await call("PUT", path, body, headers=headers["pagerduty"])
    assert first.body["incident"]["status"] == "resolved"
    assert (second.status, second.body["error"]["code"]) == (400, 1001)


async def test_rest_escalates_only_to_a_level_that_exists(call: Any, headers: Any) -> None:
    path = f"/pagerduty/incidents/{await opened(call, headers)}"
    for level, status in ((2, 200), (9, 400)):
        body = {"incident": {"type": "incident_reference", "escalation_level": level}}
        assert (await call("PUT", path, body, headers=headers["pagerduty"])).status == status


async def test_rest_takes_notes(call: Any, headers: Any) -> None:
    path = f"/pagerduty/incidents/{await opened(call, headers)}/notes"
    good = await call("POST", path, {"note": {"content": "seen"}}, headers=headers["pagerduty"])
    empty = await call("POST", path, {"note": {"content": ""}}, headers=headers["pagerduty"])
    assert (good.status, empty.status) == (200, 400)


async def test_rest_takes_status_updates(call: Any, headers: Any) -> None:
    path = f"/pagerduty/incidents/{await opened(call, headers)}/status_updates"
    good = await call("POST", path, {"message": "better"}, headers=headers["pagerduty"])
    assert (good.status, good.body["status_update"]["message"]) == (200, "better")


async def test_rest_lists_incidents_of_a_range_it_knows(call: Any, headers: Any) -> None:
    for asked, status in (("all", 200), ("year", 400)):
        path = f"/pagerduty/incidents?date_range={asked}"
        assert (await call("GET", path, headers=headers["pagerduty"])).status == status


async def test_rest_refuses_a_second_open_incident_of_one_key(call: Any, headers: Any) -> None:
    await opened(call, headers)
    incident = {
        "type": "incident",
        "title": "again",
        "service": {"id": "PSVCCRITICAL", "type": "service_reference"},
        "incident_key": KEY,
    }
    answer = await call(
        "POST", "/pagerduty/incidents", {"incident": incident}, headers=headers["pagerduty"]
    )
    assert answer.status == 400
    assert "already exists" in answer.body["error"]["errors"][0]


async def test_an_unknown_incident_is_not_found(call: Any, headers: Any) -> None:
    answer = await call("GET", "/pagerduty/incidents/QNONE", headers=headers["pagerduty"])
    assert answer.status == 404


async def listed(call: Any, headers: Any, path: str, name: str) -> list[dict[str, Any]]:
    answer = await call("GET", f"/pagerduty/{path}", headers=headers["pagerduty"])
    assert answer.status == 200, answer.body
    rows: list[dict[str, Any]] = answer.body[name]
    return rows


@pytest.mark.parametrize(
    "switches",
    [{"rules_drop": True}, {"service_status": "disabled"}, {"service_status": "maintenance"}],
)
async def test_an_event_may_be_accepted_and_open_nothing(
    call: Any, headers: Any, switches: dict[str, Any]
) -> None:
    call.sandbox.set_behaviours("pagerduty", **switches)
    assert (await send(call)).status == 202
    assert call.sandbox.tickets("pagerduty") == []
    services = await listed(call, headers, "services?include[]=integrations", "services")
    assert services[0]["status"] == switches.get("service_status", "active")
    assert services[0]["integrations"][0]["integration_key"] == CRITICAL


async def test_an_alert_may_join_the_incident_of_another(call: Any, headers: Any) -> None:
    call.sandbox.set_behaviours("pagerduty", groups_alerts=True)
    await send(call)
    await send(call, dedup_key="other")
    (ticket,) = call.sandbox.tickets("pagerduty")
    found = await listed(call, headers, "incidents?incident_key=other", "incidents")
    assert [one["incident_key"] for one in found] == [KEY]
    path = f"incidents/{ticket['id']}/alerts"
    assert len(await listed(call, headers, path, "alerts")) == 2
    (alert,) = await listed(call, headers, f"{path}?alert_key=other", "alerts")
    assert alert["status"] == "triggered"
    await send(call, "resolve", dedup_key="other")
    assert call.sandbox.tickets("pagerduty")[0]["state"] == "open"
    await send(call, "resolve")
    assert call.sandbox.tickets("pagerduty")[0]["state"] == "resolved"


async def test_an_alert_keeps_the_details_of_its_first_event(call: Any, headers: Any) -> None:
    await send(call)
    await send(call, payload={**PAYLOAD, "summary": "another"})
    (ticket,) = call.sandbox.tickets("pagerduty")
    (alert,) = await listed(call, headers, f"incidents/{ticket['id']}/alerts", "alerts")
    assert alert["body"]["details"]["summary"] == PAYLOAD["summary"]


async def test_a_resolved_incident_is_reopened_over_rest(call: Any, headers: Any) -> None:
    await send(call)
    await send(call, "resolve")
    (ticket,) = call.sandbox.tickets("pagerduty")
    body = {"incident": {"type": "incident_reference", "status": "triggered"}}
    path = f"/pagerduty/incidents/{ticket['id']}"
    answer = await call("PUT", path, body, headers=headers["pagerduty"])
    assert answer.body["incident"]["status"] == "triggered"
    assert call.sandbox.tickets("pagerduty")[0]["state"] == "open"


async def test_the_list_may_lag(call: Any, headers: Any) -> None:
    call.sandbox.set_behaviours("pagerduty", incident_lag=5)
    await send(call)
    assert await listed(call, headers, "incidents", "incidents") == []
    call.clock.now += 5
    assert len(await listed(call, headers, "incidents", "incidents")) == 1
