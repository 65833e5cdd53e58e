"""The health of the installation: one answer for all who look, and nothing of other tenants."""

from __future__ import annotations

from typing import Any

import pytest
from support.access import Keys

from tests.unit.api.conftest import make_incident
from tests.unit.api.test_openapi import problems_of
from ticketing.api.balance import Records
from ticketing.api.fleet import FleetSeen, RoleSeen, State
from ticketing.api.health import SETTLED_SECONDS, HealthDesk, Settling
from ticketing.config import Config
from ticketing.domain.access.principal import LOCAL
from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import Incident, Ticket
from ticketing.wire.pulses import Circuit

HEALTH = "/api/v1/health"
CONFIG = {"slack": {"enabled": True, "webhookUrl": "https://hooks.example/x"}}
UP = RoleSeen("pipeline", State.UP, 1_900_000_000.0, 1, followed=0.5)
SLACK = RoleSeen("slack", State.UP, 1_900_000_000.0, 1, pending=3)
OPEN = RoleSeen("slack", State.UP, 1_900_000_000.0, 1, 3, Circuit(1_900_000_000.0, "timeout"))


class Fleet:
    """A fleet as it was seen; counts the looks."""

    def __init__(self, *roles: RoleSeen, **seen: Any) -> None:
        self.seen = FleetSeen(
            **{"answers": True, "roles": list(roles), "input_lag": 0, "dead_letters": 4, **seen}
        )
        self.asked = 0

    async def read(self) -> FleetSeen:
        self.asked += 1
        return self.seen


class Balance:
    """The records of the whole fleet."""

    def __init__(self, counted: int = 3, latest: float = 1_000.0) -> None:
        self.records: Records | None = Records(
            records=9, below_threshold=4, counted=counted, dead_letters=2, latest=latest
        )

    async def read(self) -> Records | None:
        return self.records


def refused(number: int, **fields: Any) -> Incident:
    ticket = Ticket(platform="slack", state=TicketState.REJECTED, error="no", at=1_900_000_000.0)
    return make_incident(
        number, ticketed=True, routes=["slack"], tickets={"slack": ticket}, **fields
    )


async def test_it_has_the_roles_the_platforms_and_the_balance(start: Any) -> None:
    api = await start(CONFIG, fleet=Fleet(UP, SLACK), balance=Balance())
    status, found = await api.get(HEALTH)
    assert status == 200
    assert found["roles"] == [
        {"role": "pipeline", "state": "up", "since": "2030-03-17T17:46:40.000Z", "workers": 1},
        {"role": "slack", "state": "up", "since": "2030-03-17T17:46:40.000Z", "workers": 1},
    ]
    assert found["platforms"] == [
        {
            "name": "slack",
            "title": "Slack",
            "circuit": "closed",
            "since": None,
            "reason": None,
            "pending": 3,
            "undelivered": 0,
        }
    ]
    assert found["balance"] == {
        "records": 9,
        "belowThreshold": 4,
        "counted": 3,
        "deadLetters": 2,
        "underWay": 0,
        "addsUp": True,
    }
    assert found["lastRecordAt"] == "1970-01-01T00:16:40.000Z"
    assert found["lag"] == {"records": 0, "seconds": 0.0}
    assert (found["deadLetters"], found["sampledShare"]) == (4, 0.5)
    assert found["undelivered"] == []


EVERY_STATE = [RoleSeen(f"role-{state.value}", state) for state in State]


@pytest.mark.parametrize(
    "fleet",
    [
        Fleet(UP, SLACK, *EVERY_STATE),
        Fleet(UP, OPEN, input_lag=7),
        Fleet(RoleSeen("slack", State.DOWN, 1_900_000_000.0)),
        Fleet(answers=False, input_lag=None, dead_letters=None),
    ],
    ids=["up", "open", "down", "unheard"],
)
async def test_it_is_as_its_schema_says(start: Any, fleet: Fleet) -> None:
    api = await start(CONFIG, fleet=fleet, balance=Balance())
    await api.put(refused(1), make_incident(2))
    _, found = await api.get(HEALTH)
    assert problems_of("Health", found) == []
    for name in found:
        assert problems_of("Health", {key: found[key] for key in found if key != name}), name
    assert problems_of("Health", {**found, "roles": [{"role": "pipeline", "state": "well"}]})


async def test_an_open_circuit_and_an_undelivered_page_are_problems(start: Any) -> None:
    api = await start(CONFIG, fleet=Fleet(UP, OPEN), balance=Balance())
    await api.put(refused(1), make_incident(2))
    _, found = await api.get(HEALTH)
    assert [one["id"] for one in found["undelivered"]] == [refused(1).id]
    assert found["undelivered"][0]["platforms"] == [
        {"platform": "slack", "reason": "rejected", "since": "2030-03-17T17:46:40.000Z"}
    ]
    (platform,) = found["platforms"]
    assert (platform["circuit"], platform["reason"]) == ("open", "timeout")
    assert platform["undelivered"] == found["undeliveredTotal"] == 1
    assert found["problems"][0] == "1 incident has a page that did not get through"
    assert "Slack does not answer and gets probes only" in found["problems"]


async def test_the_list_can_show_what_did_not_get_through_alone(start: Any) -> None:
    api = await start(CONFIG)
    await api.put(refused(1), make_incident(2))
    _, found = await api.get("/api/incidents?undelivered=true")
    assert [one["id"] for one in found] == [refused(1).id]
    status, problem = await api.get("/api/incidents?undelivered=1")
    assert (status, problem["field"]) == (400, "undelivered")


async def test_without_kafka_nothing_is_made_up(start: Any) -> None:
    silent = Balance()
    silent.records = None
    unknown = RoleSeen("slack", State.UNKNOWN)
    fleet = Fleet(unknown, answers=False, input_lag=None, dead_letters=None)
    api = await start(CONFIG, fleet=fleet, balance=silent)
    _, found = await api.get(HEALTH)
    assert found["kafka"] is False
    assert found["balance"] is None
    assert found["deadLetters"] is None
    assert found["lag"] == {"records": None, "seconds": None}
    assert found["platforms"][0]["circuit"] == "unknown"
    assert found["problems"][0].startswith("Kafka does not answer")


async def test_without_redis_the_rest_is_told(start: Any) -> None:
    api = await start(CONFIG, fleet=Fleet(UP, SLACK), balance=Balance())
    api.redis.connected = False
    status, found = await api.get(HEALTH)
    assert (status, found["view"], found["undelivered"]) == (200, "away", None)
    assert "Redis does not answer: incidents can't be shown" in found["problems"]


async def test_those_who_look_at_once_share_an_answer(start: Any) -> None:
    fleet, now = Fleet(UP, SLACK), [0.0]
    api = await start(CONFIG)
    config = Config.model_validate(CONFIG)
    desk = HealthDesk(config, api.writer.store, fleet, Balance(), clock=lambda: now[0])
    for _ in range(5):
        await desk.read(LOCAL)
    assert fleet.asked == 1
    now[0] += 2.0
    await desk.read(LOCAL)
    assert fleet.asked == 2


async def test_records_that_wait_make_the_lag(start: Any) -> None:
    api = await start(CONFIG)
    config = Config.model_validate(CONFIG)
    desk = HealthDesk(
        config, api.writer.store, Fleet(UP, input_lag=7), Balance(), wall=lambda: 1_042.0
    )
    assert (await desk.read(LOCAL))["lag"] == {"records": 7, "seconds": 42.0}


def test_a_difference_is_a_fault_only_once_it_stays_with_nothing_to_read() -> None:
    settling = Settling()
    assert settling.judged(0, 5, 0.0) is True
    assert settling.judged(3, 5, 1.0) is None
    assert settling.judged(3, 0, 2.0) is None
    assert settling.judged(3, 0, 2.0 + SETTLED_SECONDS) is False
    assert settling.judged(3, None, 90.0) is None
    assert settling.judged(0, 0, 91.0) is True


async def test_the_totals_say_nothing_of_this_process_alone(start: Any) -> None:
    api = await start(CONFIG, fleet=Fleet(SLACK), balance=Balance())
    _, found = await api.get("/api/v1/totals")
    assert (found["records"], found["deliveriesPending"]) == (9, 3)
    unheard = await start(CONFIG, fleet=Fleet(RoleSeen("slack", State.DOWN, 1.0)))
    _, found = await unheard.get("/api/v1/totals")
    assert found.keys().isdisjoint({"records", "counted", "deliveriesPending"})


async def test_a_principal_of_some_tenants_sees_its_own_pages_and_no_numbers(start: Any) -> None:
    keys = Keys()
    api = await start(
        {**CONFIG, "access": {"enforced": True}},
        fleet=Fleet(UP, OPEN),
        balance=Balance(),
        door=keys.door(),
    )
    await api.put(refused(1), refused(2, tenant="other"))
    _, found = await api.get(HEALTH, headers=keys.key("one", tenants=["other"]))
    assert [one["id"] for one in found["undelivered"]] == [refused(2).id]
    _, all_pages = await api.get(HEALTH, headers=keys.key("all"))
    assert all_pages["undeliveredTotal"] == 2
    assert found["platforms"][0]["circuit"] == "open"
    assert found["platforms"][0]["pending"] is None
    numbers = ("balance", "lag", "deadLetters", "lastRecordAt")
    assert [found[name] for name in numbers] == [None] * len(numbers)
