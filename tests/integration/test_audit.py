"""The audit in a real Kafka: written beside the answers, read back by page, newest first."""

from __future__ import annotations

import pytest
from support.fleet import Fleet

from ticketing.access.audit_topic import AuditLog, page
from ticketing.domain.access.audit import Wanted, entry_of
from ticketing.domain.access.principal import SHARED
from ticketing.wire.topics import AUDIT

pytestmark = pytest.mark.kafka


def test_entries_come_back_newest_first_page_by_page(fleet: Fleet) -> None:
    fleet.create_topics()
    runtime = fleet.runtime()
    log = AuditLog(runtime)
    for number in range(1200):
        subjects = ["rare"] if number % 400 == 0 else []
        log.write(entry_of(SHARED, at=float(number), route="POST /x", subjects=subjects))
        if number % 500 == 0:
            fleet.kafka.produce(AUDIT, [b"not an entry"])
    log.close()
    read: list[float] = []
    cursor: str | None = None
    while True:
        found = page(runtime, Wanted(), 500, cursor)
        read += [entry.at for entry in found.entries]
        cursor = found.following
        if cursor is None:
            break
    assert read == [float(number) for number in reversed(range(1200))]
    rare = page(runtime, Wanted(incident="rare"), 2)
    assert [entry.at for entry in rare.entries] == [800.0, 400.0]
    rest = page(runtime, Wanted(incident="rare"), 2, rare.following)
    assert [entry.at for entry in rest.entries] == [0.0]
    with pytest.raises(ValueError, match="cursor"):
        page(runtime, Wanted(), 1, "1-2")
