"""A platform is taken out of use while incidents still name it: the others go on, on real Kafka."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from support.fleet import INPUT, Fleet
from support.logs import log
from support.waiting import wait_for

from ticketing.wire.topics import changelog_topic, platform_topic

pytestmark = pytest.mark.kafka


def test_a_disabled_platform_whose_topic_is_gone_costs_the_others_nothing(fleet: Fleet) -> None:
    fleet.with_sandbox("jira", "slack")
    fleet.create_topics()
    before = fleet.worker("before", "pipeline", "jira", "slack")
    before.wait_ready()
    fleet.feed([log(level="FATAL")] * 5)
    fleet.wait_tickets(lambda found: len(found) == 2, "a ticket each")
    (old,) = fleet.incidents().values()
    assert set(old.routes) >= {"jira", "slack"}
    before.stop()

    fleet.configure(jira={"enabled": False})
    gone = platform_topic("jira")
    fleet.kafka.delete(gone, changelog_topic(gone, "deliveries"))
    after = fleet.worker("after", "pipeline", "slack")
    after.wait_ready()
    fleet.feed([log(level="FATAL")] * 7)
    fleet.feed([log("another fault altogether", level="FATAL")] * 3)
    fleet.wait_counted(15)
    found = fleet.wait_tickets(lambda found: len(found) == 3, "the new fault's ticket")
    assert Counter(ticket["platform"] for ticket in found) == {"jira": 1, "slack": 2}
    # Wishes for the old incident, which still names the platform, have been passed by.
    samples: dict[str, Any] = wait_for(
        lambda: (m := after.metrics()).get("ticketing_wishes_left_out_total", 0.0) >= 1.0 and m,
        "a snapshot that is left out",
    )
    assert samples["ticketing_wishes_left_out_total"] >= 1.0
    process = after.roles["pipeline"]
    assert process.running
    assert process.exits == []
    assert after.log("pipeline").count("platform_not_enabled") == 1
    assert gone not in fleet.kafka.topics()
    assert INPUT in fleet.kafka.topics()
