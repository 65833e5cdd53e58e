"""The view in Redis: what is newer wins, indexes stay true, builds are switched whole."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import fakeredis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.incidents import numbered
from support.planted import LINE, leaked
from support.shown_alerts import alert, part
from support.view import complete

from ticketing.config import Config
from ticketing.domain.alerts.alert import Alert, AlertState
from ticketing.domain.incidents.incident import Incident, Status, Ticket
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.errors import Rebuilding, Unavailable
from ticketing.privacy import scrubber
from ticketing.view.query import (
    AlertQuery,
    Place,
    Query,
    Sort,
    decode_cursor,
    encode_cursor,
    parse_time,
)
from ticketing.view.store import DOCUMENTS_VERSION, ViewStore

NOW = 1_900_000_000.0
RETENTION = Config().retention


def incident(number: int = 0, **fields: Any) -> Incident:
    return numbered(number, at=NOW, **fields)


def fake() -> Any:
    return fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer())


@pytest.fixture
async def store() -> AsyncIterator[ViewStore]:
    view = await complete(ViewStore(fake(), "t", retention=1000.0, clock=lambda: NOW))
    yield view
    await view.close()


async def write(store: ViewStore, *incidents: Incident) -> Any:
    return await store.write([(one.id, one) for one in incidents])


async def listed(store: ViewStore, **query: Any) -> list[str]:
    page = await store.page(Query(**query))
    return [json.loads(document)["title"] for document in page.documents]


async def keys_about(store: ViewStore, id: str) -> list[bytes]:
    found = []
    async for key in store.redis.scan_iter():
        kind = await store.redis.type(key)
        if kind == b"hash" and await store.redis.hexists(key, id):
            found.append(key)
        if kind == b"zset":
            members = await store.redis.zrange(key, 0, -1)
            if any(id.encode() in member for member in members):
                found.append(key)
    return sorted(found)


async def test_a_newer_revision_replaces_an_older_one_and_never_the_reverse(
    store: ViewStore,
) -> None:
    first = incident(1, revision=1)
    assert (await write(store, first)).written == 1
    assert (await write(store, replace(first, revision=3, title="third"))).written == 1
    assert (await write(store, replace(first, revision=2, title="second"))).stale == 1
    assert (await write(store, replace(first, revision=3, title="again"))).stale == 1
    assert await listed(store) == ["third"]
    assert json.loads(await store.get(first.id) or b"")["title"] == "third"
    assert await store.revisions([first.id, "nobody"]) == [3, None]


async def test_following_ends_with_the_view_where_a_cancellation_was_lost() -> None:
    view = ViewStore(fake(), "t", retention=1000.0)
    following = asyncio.create_task(view.follow())
    await asyncio.sleep(0)
    await view.close()
    await asyncio.wait_for(following, timeout=30)


async def test_a_change_of_status_moves_the_incident_between_indexes(store: ViewStore) -> None:
    first = incident(1)
    await write(store, first)
    moved = replace(first, revision=2, status=Status.RESOLVED, resolved_at=NOW)
    await write(store, moved)
    assert await listed(store, statuses=("open",)) == []
    assert await listed(store, statuses=("resolved",)) == [first.title]
    totals = await store.totals()
    assert totals["byStatus"] == {"open": 0, "acknowledged": 0, "escalated": 0, "resolved": 1}
    assert totals["active"]["high"] == 0
    assert totals["incidents"] == 1


async def test_a_tombstone_takes_documents_and_indexes_away(store: ViewStore) -> None:
    first = incident(1, status=Status.RESOLVED, resolved_at=NOW)
    await write(store, first)
    assert (await store.write([(first.id, None)])).deleted == 1
    assert await store.get(first.id) is None
    assert await listed(store) == []
    left = await keys_about(store, first.id)
    assert left == [b"t:v1:changed", b"t:v1:gone"]


async def test_what_a_tombstone_removed_does_not_come_back_by_a_late_write(
    store: ViewStore,
) -> None:
    first = incident(1, revision=5)
    await store.write([(first.id, None)])
    assert (await write(store, first)).stale == 1
    assert await listed(store) == []


async def test_the_memory_of_tombstones_ends() -> None:
    now = [NOW]
    store = await complete(ViewStore(fake(), "t", retention=RETENTION, clock=lambda: now[0]))
    await write(store, incident(1))
    await store.write([(incident(1).id, None)])
    now[0] += 90_000.0
    await write(store, incident(2))
    assert await keys_about(store, incident(1).id) == []


async def test_resolved_incidents_leave_after_their_retention() -> None:
    now = [NOW]
    store = await complete(ViewStore(fake(), "t", retention=1000.0, clock=lambda: now[0]))
    resolved = incident(1, status=Status.RESOLVED, resolved_at=NOW, title="resolved")
    await write(store, resolved, incident(2, title="open"))
    now[0] += 999.0
    await write(store, incident(3, title="trigger"))
    assert await listed(store) == ["trigger", "open", "resolved"]
    now[0] += 2.0
    await write(store, incident(4, title="another"))
    assert await listed(store) == ["another", "trigger", "open"]
    assert await store.get(resolved.id) is None


async def test_the_last_of_two_writes_in_a_batch_counts(
    store: ViewStore,
) -> None:
    first = incident(1)
    done = await store.write([(first.id, first), (first.id, replace(first, revision=2))])
    assert done.written == 1
    assert await store.revisions([first.id]) == [2]


async def test_pages_hold_every_incident_once_though_all_opened_at_once(store: ViewStore) -> None:
    await write(store, *(incident(n, opened_at=NOW, title=str(n)) for n in range(620)))
    seen: list[str] = []
    query = Query(limit=7)
    for _ in range(620):
        page = await store.page(query)
        seen += [json.loads(document)["title"] for document in page.documents]
        if page.after is None:
            break
        query = replace(query, after=decode_cursor(page.after))
    assert seen == [str(n) for n in reversed(range(620))]


async def test_a_page_is_not_disturbed_by_newer_incidents(store: ViewStore) -> None:
    await write(store, *(incident(n) for n in range(4)))
    page = await store.page(Query(limit=2))
    await write(store, incident(9))
    assert page.after is not None
    rest = await store.page(Query(limit=9, after=decode_cursor(page.after)))
    assert [json.loads(d)["title"] for d in rest.documents] == [
        "payment failed 1",
        "payment failed 0",
    ]


async def test_filters_narrow_the_list_each_and_together(store: ViewStore) -> None:
    critical = Severity.CRITICAL
    ticket = Ticket(platform="jira", key="OPS-17")
    await write(
        store,
        incident(1, title="a", service="cart", tenant="x", tickets={"jira": ticket}),
        incident(2, title="b", severity=critical, tenant="y", trace_ids=["deadbeef"]),
        incident(3, title="c", service="cart", severity=critical, status=Status.ACKNOWLEDGED),
    )
    assert await listed(store, services=("cart",)) == ["c", "a"]
    assert await listed(store, severities=("critical",)) == ["c", "b"]
    assert await listed(store, severities=("critical", "high")) == ["c", "b", "a"]
    assert await listed(store, services=("cart",), severities=("critical",)) == ["c"]
    assert await listed(store, tenants=("x", "y")) == ["b", "a"]
    assert await listed(store, statuses=("open",), tenants=("acme",)) == []
    assert await listed(store, search="ops-17 CART") == ["a"]
    assert await listed(store, search="deadBEEF") == ["b"]
    assert await listed(store, since=NOW + 2) == ["c", "b"]
    assert await listed(store, until=NOW + 2) == ["a"]
    assert await listed(store, since=NOW + 2, until=NOW + 3) == ["b"]


STATUSES = st.sampled_from(list(Status))
WRITES = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(1, 6),
        STATUSES,
        st.sampled_from(list(Severity)),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(writes=WRITES)
async def test_indexes_hold_what_the_documents_say_after_any_writes(writes: list[Any]) -> None:
    store = await complete(ViewStore(fake(), "t", retention=RETENTION, clock=lambda: NOW))
    for number, revision, status, severity, gone in writes:
        one = incident(number, revision=revision, status=status, severity=severity)
        await store.write([(one.id, None if gone else one)])
    everything = [json.loads(document) for document in (await store.page(Query())).documents]
    for status in Status:
        page = await store.page(Query(statuses=(status.value,)))
        by_index = [json.loads(document) for document in page.documents]
        assert by_index == [one for one in everything if one["status"] == status.value]
    totals = await store.totals()
    assert totals["incidents"] == len(everything)
    assert sum(totals["active"].values()) == sum(o["status"] != "resolved" for o in everything)
    await store.close()


async def test_writes_in_any_order_end_in_the_same_view() -> None:
    writes = [incident(n, revision=r, title=f"{n} at {r}") for n in range(3) for r in range(1, 5)]
    ends = []
    for seed in range(5):
        store = await complete(ViewStore(fake(), "t", retention=RETENTION, clock=lambda: NOW))
        shuffled = random.Random(seed).sample(writes, len(writes))
        for one in shuffled:
            await write(store, one)
        ends.append(await listed(store))
    assert ends == [["2 at 4", "1 at 4", "0 at 4"]] * 5


async def test_a_rebuild_fills_a_new_build_beside_the_live_one_and_switches(
    store: ViewStore,
) -> None:
    stale, kept = incident(1, title="stale"), incident(2, title="kept")
    await write(store, stale, kept)
    rebuild = await store.begin_rebuild()
    assert rebuild is not None
    await rebuild.write([(kept.id, kept)])
    assert await listed(store) == ["kept", "stale"]
    await write(store, incident(3, title="meanwhile"))
    await rebuild.finish()
    assert await listed(store) == ["meanwhile", "kept"]
    assert await store.is_complete()
    assert await store.redis.ttl("t:v1:docs") > 0
    assert await store.redis.ttl("t:v2:docs") == -1


async def test_one_rebuild_at_a_time(store: ViewStore) -> None:
    assert await store.begin_rebuild() is not None
    assert await store.begin_rebuild() is None


async def test_a_rebuild_that_was_taken_over_ends(store: ViewStore) -> None:
    first = await store.begin_rebuild()
    await store.redis.delete("t:rebuild")
    second = await store.begin_rebuild()
    assert first is not None
    assert second is not None
    with pytest.raises(Unavailable):
        await first.write([(incident(1).id, incident(1))])
    await second.finish()
    assert await store.is_complete()


async def test_a_view_in_an_emptied_redis_is_not_complete(
    store: ViewStore,
) -> None:
    await complete(store)
    assert await store.is_complete()
    await store.redis.flushall()
    await write(store, incident(1))
    assert not await store.is_complete()
    for asked in (store.page(Query()), store.get("x"), store.revisions(["x"]), store.totals()):
        with pytest.raises(Rebuilding):
            await asked


async def test_a_view_of_an_older_release_is_built_anew(
    store: ViewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await complete(store)
    await store.redis.hdel("t:view", "documents")
    assert not await store.is_complete()
    await complete(store)
    assert await store.is_complete()
    monkeypatch.setattr("ticketing.view.store.DOCUMENTS_VERSION", DOCUMENTS_VERSION + 1)
    assert not await store.is_complete()


async def test_changes_are_told_in_order_and_each_incident_once(store: ViewStore) -> None:
    start = await store.changes("", 0, 10)
    await write(store, incident(1), incident(2))
    await write(store, incident(1, revision=2, title="again"))
    first = await store.changes("1", 0, 1)
    assert list(first.ids) == [incident(2).id]
    rest = await store.changes("1", first.seq, 10)
    assert list(rest.ids) == [incident(1).id]
    await store.write([(incident(2).id, None)])
    last = await store.changes("1", rest.seq, 10)
    assert (list(last.ids), list(last.documents)) == ([incident(2).id], [None])
    assert start.reset
    assert (await store.changes("7", 0, 10)).reset


async def test_a_view_that_is_lost_resets_its_readers_once(store: ViewStore) -> None:
    await store.redis.flushall()
    lost = await store.changes("1", 3, 10)
    assert lost.reset
    assert not (await store.changes(lost.build, lost.seq, 10)).reset
    await complete(store)
    assert (await store.changes(lost.build, lost.seq, 10)).reset


async def test_an_unreachable_redis_is_unavailable_and_its_address_is_not_told() -> None:
    server = fakeredis.FakeServer()
    store = ViewStore(fakeredis.FakeAsyncRedis(server=server), "t", retention=RETENTION)
    server.connected = False
    with pytest.raises(Unavailable, match=r"^Redis does not answer"):
        await write(store, incident(1))
    with pytest.raises(Unavailable):
        await store.page(Query())
    with pytest.raises(Unavailable):
        await store.get("nobody")


@given(key=st.floats(0, 1e15), sort=st.sampled_from(Sort))
def test_a_cursor_is_the_place_it_was_made_of(key: float, sort: Sort) -> None:
    place = Place(key, "0123456789abcdef-0123456789abcdef")
    assert decode_cursor(encode_cursor(place, sort), sort) == place


@pytest.mark.parametrize("sort", [sort for sort in Sort if sort is not Sort.COUNT])
def test_a_cursor_of_another_order_is_refused(sort: Sort) -> None:
    cursor = encode_cursor(Place(1.0, "a" * 16), Sort.COUNT)
    with pytest.raises(ValueError, match="is a cursor of another order"):
        decode_cursor(cursor, sort)


GARBAGE = [
    *("", "x", "%%%", "é", "A" * 5000),
    encode_cursor(Place(1.0, "nothing")),
    encode_cursor(Place(float("inf"), "a" * 16)),
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_cursor_that_never_was_one_is_refused(garbage: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        decode_cursor(garbage)


def test_times_are_read_in_every_usual_form() -> None:
    for text in ("2030-01-31T08:00:00Z", "2030-01-31T09:00:00 01:00", "2030-01-31 08:00:00"):
        assert parse_time(text) == 1896076800.0
    assert parse_time("12.5") == 12.5
    for text in ("nan", "-1", "inf", "soon", ""):
        with pytest.raises(ValueError, match=r"time|isoformat"):
            parse_time(text)


NEW = "of_a_newer_release"


async def test_an_incident_of_a_newer_release_is_found_where_it_is_treated(
    store: ViewStore,
) -> None:
    """Unknown values are listed as open and critical, counted so, and shown as they are."""
    newer = incident(1, status=Status(NEW), severity=Severity(NEW), title="newer")
    await write(store, newer, incident(2, severity=Severity.LOW, title="known"))
    assert await listed(store, statuses=("open",)) == ["known", "newer"]
    assert await listed(store, severities=("critical",)) == ["newer"]
    assert await listed(store, statuses=("open",), severities=("critical",)) == ["newer"]
    assert await listed(store, search=NEW) == ["newer"]
    totals = await store.totals()
    assert (totals["byStatus"]["open"], totals["active"]["critical"]) == (2, 1)
    document = json.loads(await store.get(newer.id) or b"")
    assert (document["status"], document["severity"]) == (NEW, NEW)


async def test_an_incident_that_cannot_be_shown_hides_no_other(store: ViewStore) -> None:
    """Neither one that makes no document, nor an entry in Redis that can't be read."""
    broken: Any = replace(incident(1), windows=None)
    await write(store, broken, incident(2, title="shown"), incident(3, title="spoilt"))
    await store.redis.hset("t:v1:entry", incident(3).id, b'{"id":7}')
    assert await listed(store) == ["shown"]


async def alerts_listed(store: ViewStore, **query: Any) -> list[str]:
    page = await store.page(AlertQuery(**query))
    return [json.loads(document)["title"] for document in page.documents]


async def write_alerts(store: ViewStore, *alerts: Alert) -> Any:
    return await store.write_alerts([(one.fingerprint, one) for one in alerts])


async def test_a_later_state_of_an_alert_replaces_an_earlier_one_and_never_the_reverse(
    store: ViewStore,
) -> None:
    """Ordered by episode, then by revision, whatever their lengths."""
    for episode, revision, title in [(9, 2, "b"), (9, 10, "c"), (10, 1, "d"), (2**40, 1, "e")]:
        later = alert(episode=episode, revision=revision, title=title)
        assert (await write_alerts(store, alert(title="a"))).written == (title == "b")
        assert (await write_alerts(store, later)).written == 1
        assert (await write_alerts(store, later)).stale == 1
        assert await alerts_listed(store) == [title]


async def test_an_alert_moves_with_its_episode_and_its_state(store: ViewStore) -> None:
    await write_alerts(store, alert(1, title="one"), alert(2, title="two"))
    assert await alerts_listed(store) == ["two", "one"]
    again = alert(1, episode=2, title="again", arrived_at=NOW + 60.0)
    await write_alerts(store, again, alert(2, revision=2, state=AlertState.QUIET, quiet_at=NOW))
    assert await alerts_listed(store) == ["again", "payment failed 2"]
    assert await alerts_listed(store, states=("quiet",)) == ["payment failed 2"]


async def test_a_forgotten_alert_comes_again(store: ViewStore) -> None:
    one = alert(1, revision=7)
    await write_alerts(store, one)
    assert (await store.write_alerts([(one.fingerprint, None)])).deleted == 1
    assert await alerts_listed(store) == []
    assert (await write_alerts(store, alert(1))).written == 1
    assert await alerts_listed(store) == [alert(1).title]


async def test_quiet_alerts_leave_after_their_retention() -> None:
    now = [NOW]
    store = await complete(ViewStore(fake(), "t", retention=1000.0, clock=lambda: now[0]))
    await write_alerts(store, alert(1, state=AlertState.QUIET, quiet_at=NOW, title="quiet"))
    now[0] += 1001.0
    await write_alerts(store, alert(2, title="firing"))
    assert await alerts_listed(store) == ["firing"]
    now[0] += 90_000.0
    await write_alerts(store, alert(3, title="again"))
    assert await keys_about(store, alert(1).fingerprint) == []


async def test_alerts_and_incidents_are_apart(store: ViewStore) -> None:
    await write(store, incident(1))
    before = await store.changes("1", 0, 10)
    await write_alerts(store, alert(1))
    assert await listed(store) == [incident(1).title]
    assert (await store.totals())["incidents"] == 1
    assert (await store.changes("1", before.seq, 10)).ids == ()


async def test_a_rebuild_has_the_alerts_of_the_topic_and_those_written_meanwhile(
    store: ViewStore,
) -> None:
    await write_alerts(store, alert(1, title="gone from the topic"))
    rebuild = await store.begin_rebuild()
    assert rebuild is not None
    await rebuild.write([], [(alert(2).fingerprint, alert(2, title="kept"))])
    await write_alerts(store, alert(3, title="meanwhile"))
    await rebuild.finish()
    assert await alerts_listed(store) == ["meanwhile", "kept"]


async def test_an_incident_is_found_by_any_of_its_alerts_and_their_services(
    store: ViewStore,
) -> None:
    parts = [part("a" * 16), part("b" * 16, service="cart")]
    await write(store, incident(1, alerts=parts, title="two"), incident(2, title="none"))
    assert await listed(store, services=("cart",)) == ["two"]
    assert await listed(store, services=("cart", "checkout")) == ["none", "two"]
    assert await listed(store, alerts=("b" * 16,)) == ["two"]
    assert await listed(store, alerts=("b" * 16,), statuses=("resolved",)) == []
    await write(store, incident(1, alerts=parts[:1], title="one", revision=2))
    assert await listed(store, alerts=("b" * 16,)) == []
    assert await listed(store, services=("cart",)) == []


async def test_an_alert_that_cannot_be_shown_hides_no_other(store: ViewStore) -> None:
    broken: Any = replace(alert(1), windows=None)
    newer = alert(3, state=AlertState(NEW), severity=Severity(NEW), title="newer")
    await write_alerts(store, broken, alert(2, title="shown"), newer)
    assert await alerts_listed(store) == ["newer", "shown"]
    assert await alerts_listed(store, states=("firing",), severities=("critical",)) == ["newer"]


async def test_the_view_is_scrubbed_where_it_is_asked_for() -> None:
    view = ViewStore(fake(), "t", retention=1000.0, scrub=scrubber(), clock=lambda: NOW)
    samples = [Sample(at=NOW, message=LINE)]
    await complete(view)
    await write(view, incident(1, title=LINE, tenant="a@b.example", samples=samples))
    await view.write_alerts([(one.fingerprint, one) for one in [alert(1, title=LINE)]])
    (found,) = (await view.page(Query(tenants=("a@b.example",)))).documents
    whole = await view.get(json.loads(found)["id"])
    alerts = (await view.page(AlertQuery())).documents
    assert whole is not None
    assert not leaked(b"".join([found, whole, *alerts]).decode())
    await view.close()
