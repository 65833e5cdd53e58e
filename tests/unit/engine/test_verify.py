"""Topics are compared with the configuration and with what state was made with; refusals name a fix."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.engine.verify import Verdict, compare
from ticketing.kafka.admin import Seen
from ticketing.wire.known_topics import (
    Known,
    decode_all,
    decode_known,
    encode_all,
    encode_known,
)
from ticketing.wire.topics import (
    DEAD_LETTERS,
    INCIDENTS,
    REGISTRY,
    SIGNALS,
    TRACES,
    Bond,
    changelog_topic,
    specs,
)

SIZE = 1_000_000
SIZE_KEY = "max.message.bytes"
WANTED = specs(["jira"], ["logs"], 4, message_bytes_max=SIZE)
NAMES = [spec.name for spec in WANTED]
STATE = [spec.name for spec in WANTED if spec.bond is Bond.STATE]
OWN = [spec.name for spec in WANTED if spec.bond in (Bond.STATE, Bond.PLACE)]
CHANGELOG = changelog_topic("ticketing", "incidents")


def as_wanted(**changes: Seen) -> dict[str, Seen]:
    """Topics as a broker has them that made them for us; `changes` by name with _ for -."""
    found = {
        spec.name: Seen(
            spec.partitions, f"id of {spec.name}", {"cleanup.policy": "delete", **spec.config}
        )
        for spec in WANTED
    }
    return found | {name.replace("_", "-"): seen for name, seen in changes.items()}


def known(*names: str, **more: Any) -> dict[str, Known]:
    return {name: Known(partitions=4, id=f"id of {name}", **more) for name in names or STATE}


def verdict_of(
    seen: dict[str, Seen],
    registered: dict[str, Known] | None = None,
    local: dict[str, Known] | None = None,
    kept: list[str] | None = None,
) -> Verdict:
    registered = known() if registered is None else registered
    return compare(WANTED, seen, registered, local or {}, STATE if kept is None else kept)


def only(sentences: list[str]) -> str:
    (sentence,) = sentences
    return sentence


def test_topics_as_they_should_be_are_in_order() -> None:
    assert verdict_of(as_wanted()) == Verdict()
    assert verdict_of(as_wanted(), {}, {}) == Verdict(), "seen for the first time"


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("registered", [{}, known()], ids=["new", "known"])
def test_another_number_of_partitions_than_configured_names_the_one_to_set(
    name: str, count: int, registered: dict[str, Known]
) -> None:
    registered = registered | {name: Known(partitions=count)} if registered else {}
    seen = as_wanted() | {name: Seen(count, f"id of {name}")}
    if name in STATE and name in registered:
        registered[name] = Known(partitions=count, id=f"id of {name}")
    said = only(verdict_of(seen, registered).problems)
    assert said.startswith(f"topic {name} has {count} partitions, kafka.partitions says 4")
    assert f"set kafka.partitions to {count}" in said


@pytest.mark.parametrize("name", STATE)
def test_partitions_that_were_added_are_refused_though_the_configuration_follows(name: str) -> None:
    was = {name: Known(partitions=2, id=f"id of {name}")}
    for registered, local in ((was, {}), ({}, was), (was, was)):
        said = only(verdict_of(as_wanted(), registered, local).problems)
        assert f"topic {name} has 4 partitions, and the state here was made with 2" in said
        assert "set kafka.partitions to 2" in said


def test_the_owner_of_an_input_may_change_it_and_dead_letters_lie_anywhere() -> None:
    seen = as_wanted(logs=Seen(7, "another", {"cleanup.policy": "compact", "retention.ms": "1"}))
    seen |= {DEAD_LETTERS: Seen(9, "x"), REGISTRY: Seen(3, "y")}
    assert verdict_of(seen) == Verdict()


@pytest.mark.parametrize("name", STATE)
def test_a_topic_made_anew_is_refused_with_both_ids_and_the_way_out(name: str) -> None:
    seen = as_wanted() | {name: Seen(4, "a new id")}
    for registered, local in ((known(), {}), ({}, known()), (known(), known())):
        found = verdict_of(seen, registered, local)
        said = only(found.problems)
        assert found.remade == [name]
        for words in (
            name,
            "a new id",
            f"id of {name}",
            "`ticketing topics adopt`",
            "kafka.brokers",
        ):
            assert words in said


def test_a_role_asks_for_the_topics_whose_offsets_it_keeps_alone() -> None:
    seen = as_wanted(ticketing_jira=Seen(4, "a new id"))
    assert verdict_of(seen, kept=[SIGNALS, CHANGELOG]).problems == []
    assert verdict_of(as_wanted() | {INCIDENTS: Seen(4, "a new id")}).problems == []


def test_a_host_that_knows_an_adopted_topic_by_an_earlier_id_follows() -> None:
    seen = as_wanted() | {CHANGELOG: Seen(4, "third")}
    adopted = known(CHANGELOG)[CHANGELOG].followed_by("second", 4).followed_by("third", 4)
    for before in (f"id of {CHANGELOG}", "second"):
        local = {CHANGELOG: Known(partitions=4, id=before)}
        found = verdict_of(seen, {CHANGELOG: adopted}, local)
        assert (found.problems, found.outdated) == ([], [CHANGELOG])
    local = {CHANGELOG: Known(partitions=4, id="of another installation")}
    assert verdict_of(seen, {CHANGELOG: adopted}, local).remade == [CHANGELOG]


def test_a_topic_that_state_is_bound_to_and_that_is_gone_is_not_just_made_again() -> None:
    seen = {name: one for name, one in as_wanted().items() if name not in (SIGNALS, TRACES)}
    found = verdict_of(seen)
    assert found.missing == [TRACES]
    assert found.remade == [SIGNALS]
    assert f"topic {SIGNALS} is gone" in only(found.problems)
    assert verdict_of(seen, {}, {}).missing == [SIGNALS, TRACES]


def test_without_ids_only_partitions_and_settings_are_compared() -> None:
    seen = {name: Seen(4, "") for name in NAMES}
    assert verdict_of(seen, known(), known()).problems == []
    assert verdict_of(as_wanted(), {name: Known(partitions=4) for name in STATE}).problems == []


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize(
    ("key", "value", "fix"),
    [
        (SIZE_KEY, str(SIZE - 1), f"set kafka.messageMaxBytes to {SIZE - 1}"),
        ("cleanup.policy", "compact,delete", "--add-config cleanup.policy="),
    ],
)
def test_a_setting_of_an_own_topic_that_does_not_do_is_refused(
    name: str, key: str, value: str, fix: str
) -> None:
    if key == SIZE_KEY and name.endswith("-changelog"):
        return
    said = only(verdict_of(with_setting(name, key, value)).problems)
    assert said.startswith(f"topic {name} has {key}={value}, ")
    assert fix in said


def with_setting(name: str, key: str, value: str) -> dict[str, Seen]:
    seen = as_wanted()
    config = {**(seen[name].config or {}), key: value}
    return seen | {name: Seen(4, seen[name].id, config)}


def test_a_changelog_that_takes_less_is_warned_of() -> None:
    found = verdict_of(with_setting(CHANGELOG, SIZE_KEY, str(SIZE)))
    assert found.problems == []
    said = only(found.warnings)
    assert "8388608 is advised" in said
    assert "--add-config max.message.bytes=8388608" in said


def test_more_room_for_messages_than_configured_is_fine() -> None:
    seen = as_wanted()
    seen[SIGNALS] = Seen(
        4, seen[SIGNALS].id, {**(seen[SIGNALS].config or {}), "max.message.bytes": str(9 * SIZE)}
    )
    assert verdict_of(seen) == Verdict()


@pytest.mark.parametrize("name", [SIGNALS, "ticketing-jira"])
def test_state_machines_take_their_time_from_the_broker(name: str) -> None:
    seen = as_wanted()
    seen[name] = Seen(4, seen[name].id, {"message.timestamp.type": "CreateTime"})
    assert "needs LogAppendTime" in only(verdict_of(seen).problems)


def test_a_short_retention_is_a_warning() -> None:
    seen = as_wanted()
    for value, said in (("60000", 1), ("-1", 0), (str(10**12), 0)):
        seen[SIGNALS] = Seen(4, seen[SIGNALS].id, {"retention.ms": value})
        found = verdict_of(seen)
        assert (found.problems, len(found.warnings)) == ([], said)


def test_what_may_not_be_read_is_not_compared() -> None:
    seen = {name: Seen(4, f"id of {name}", None) for name in NAMES}
    assert verdict_of(seen) == Verdict()


def test_offsets_of_a_topic_before_are_lower_than_all_of_the_next() -> None:
    first = Known(partitions=4, id="a")
    second = first.followed_by("b", 4)
    assert first.floor == 0
    assert second.floor > first.floor + 10**11
    assert second.before == ["a"]
    assert second.followed_by("c", 8).before == ["a", "b"]


def test_what_is_known_is_read_as_it_was_written() -> None:
    one = Known(partitions=4, id="a").followed_by("b", 8)
    assert decode_known(encode_known(one)) == one
    assert decode_all(encode_all({"x": one})) == {"x": one}


def test_state_of_another_layout_is_refused_with_the_way_out() -> None:
    older = {name: decode_known(b'{"partitions":4}') for name in STATE}
    assert {one.layout for one in older.values()} == {1}
    for registered, local in ((older, {}), ({}, older)):
        said = only(verdict_of(as_wanted(), registered, local).problems)
        assert "another release" in said
        assert "delete every topic of the agent and dataDir" in said
    assert decode_known(encode_known(Known(partitions=4))) == Known(partitions=4)
