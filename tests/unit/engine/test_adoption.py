"""An adopted topic follows what anybody knew in its place; each says what may be lost or doubled."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.engine import adoption
from ticketing.engine.adoption import planned
from ticketing.engine.role_topics import Looked
from ticketing.engine.verify import compare
from ticketing.errors import Misconfigured, TopicsRefused
from ticketing.kafka.admin import Seen
from ticketing.wire.known_topics import Known
from ticketing.wire.topics import SIGNALS, Bond, specs

WANTED = specs(["jira"], ["logs"], 4, message_bytes_max=1_000_000)
STATE = [spec.name for spec in WANTED if spec.bond is Bond.STATE]


class Runtime:
    """What is asked of the runtime, with the topics of a broker."""

    embedded = False
    config: Any

    def topic_specs(self) -> Any:
        """Every topic."""
        return WANTED


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Any:
    def of(
        seen: dict[str, Seen],
        known: dict[str, Known] | None = None,
        local: dict[str, Known] | None = None,
        named: tuple[str, ...] = (),
    ) -> adoption.Plan:
        known, local = known or {}, local or {}
        found = {spec.name: Seen(spec.partitions, "now") for spec in WANTED} | seen
        verdict = compare(WANTED, found, known, local, STATE)
        runtime: Any = Runtime()
        runtime.config = type("Config", (), {"data_dir": "."})
        monkeypatch.setattr(
            adoption.role_topics, "look_at_all", lambda _: Looked(found, known, verdict, {})
        )
        monkeypatch.setattr(adoption.role_topics, "read_files", lambda _: local)
        return planned(runtime, named)

    return of


def test_nothing_is_adopted_where_every_topic_is_the_known_one(plan: Any) -> None:
    assert plan({}, {SIGNALS: Known(partitions=4, id="now")}).known == {}


@pytest.mark.parametrize("name", STATE)
def test_a_topic_made_anew_is_a_generation_of_its_own(name: str, plan: Any) -> None:
    found = plan({}, {name: Known(partitions=4, id="a", generation=2, before=["z"])})
    assert found.known == {name: Known(partitions=4, id="now", generation=3, before=["z", "a"])}
    assert "Lost:" in found.sentences[0]


def test_the_higher_generation_goes_on_and_every_id_is_remembered(plan: Any) -> None:
    found = plan(
        {},
        {SIGNALS: Known(partitions=4, id="now")},
        {SIGNALS: Known(partitions=4, id="b", generation=7, before=["a"])},
    )
    assert found.known[SIGNALS] == Known(partitions=4, id="now", generation=8, before=["a", "b"])


def test_a_topic_is_named_where_kafka_gives_no_ids(plan: Any) -> None:
    found = plan({SIGNALS: Seen(4, "")}, {SIGNALS: Known(partitions=4)}, named=(SIGNALS,))
    assert found.known == {SIGNALS: Known(partitions=4, generation=1)}


def test_no_adoption_mends_partitions(plan: Any) -> None:
    with pytest.raises(TopicsRefused, match=r"set kafka\.partitions to 8"):
        plan({SIGNALS: Seen(8, "now")})


def test_a_topic_without_state_is_not_adopted(plan: Any) -> None:
    with pytest.raises(Misconfigured, match="no state is bound to it"):
        plan({}, named=("logs",))
