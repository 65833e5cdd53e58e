"""The writer of one partition's incidents in memory: messages, time and kills."""

from __future__ import annotations

from typing import Any

from support.configured import policy_with
from support.partition import MemoryPartition
from support.records import Record

from agents.incidents import IncidentMachine
from tables.incidents import Record as Row
from tables.incidents import alert_key
from ticketing.domain.events import Action, Command
from ticketing.domain.incidents.incident import Incident, Kind
from ticketing.domain.incidents.joining import AlertRow
from ticketing.domain.incidents.policy import Policy
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Progress
from ticketing.engine.statemachine import TICK_KEY, scan
from ticketing.wire import topics
from ticketing.wire.events import encode_events
from ticketing.wire.incidents import decode_incident
from ticketing.wire.signals import SignalBody, decode_signals

ROUTING = {
    Severity.CRITICAL: ("pagerduty", "slack"),
    Severity.HIGH: ("slack",),
    Severity.MEDIUM: ("slack",),
}
POLICY = policy_with(routing=ROUTING)


class Desk:
    """One partition: messages get offsets, batches are folded, publications are kept."""

    def __init__(self, policy: Policy = POLICY, **options: Any) -> None:
        self.options: dict[str, Any] = {"partitions": 1, "topic_id": "events", **options}
        self.partition = MemoryPartition(IncidentMachine(policy, **self.options))
        self.offset = 0
        self.now = 1000.0
        self.published: list[tuple[str, Incident | None]] = []
        self.signals: list[tuple[int, SignalBody]] = []
        """The signals sent to the counters of alerts, each with its partition."""
        self.restart()

    def send(self, *bodies: Any, at: float | None = None) -> None:
        """One message, alone in its batch."""
        self.run([self.record(*bodies, at=at)])

    def record(self, *bodies: Any, at: float | None = None) -> Record:
        """The next record of the events."""
        self.now = self.now if at is None else at
        found = Record(encode_events(list(bodies)), self.offset, int(self.now * 1000))
        self.offset += 1
        return found

    def tick(self, at: float) -> None:
        """A tick at a time."""
        self.now = at
        self.offset += 1
        self.run([Record(b"", self.offset - 1, int(at * 1000), TICK_KEY)])

    def ticks_until(self, at: float) -> None:
        """A tick whenever something is due, as the engine sends them, and one at the end."""
        while (due := self.partition.state.timers.earliest()) < at:
            self.tick(max(due, self.now) + 0.001)
        self.tick(at)

    def quiet(self, through: float, at: float | None = None) -> None:
        """The quiet clock reaches a time, and a tick tells the writer."""
        report = Progress(topic=topics.SIGNALS, partition=0, partitions=1, through=through)
        self.send(report, at=max(self.now, through) if at is None else at)

    def run(self, records: list[Record]) -> None:
        """Fold a batch."""
        for topic, key, value, partition in self.partition.fold(records):
            if topic == topics.SIGNALS:
                assert value is not None
                assert partition is not None
                self.signals += [(partition, body) for body in decode_signals(value)]
                continue
            assert topic == topics.INCIDENTS
            assert key is not None
            self.published.append((key, None if value is None else decode_incident(value)))

    def restart(self, policy: Policy | None = None) -> None:
        """Another process goes on with the table, perhaps under another policy."""
        kept = self.partition.machine.policy
        self.partition.machine = IncidentMachine(policy or kept, **self.options)
        self.partition.restart()
        tx = self.partition.transaction()
        scan(self.partition.machine, tx, self.partition.state, self.offset, self.now)

    def command(self, incident: Incident, action: Action, id: str = "", **fields: Any) -> None:
        """A command to an incident."""
        id = id or f"c{self.offset}"
        self.send(Command(id=id, incident_id=incident.id, action=action, by="ada", **fields))

    def rows(self) -> dict[str, Row]:
        """Every stored row."""
        tx = self.partition.transaction()
        return {key: row for key in self.partition.table.rows if (row := tx.get(key)) is not None}

    def incidents(self) -> dict[str, Incident]:
        """Every incident by its id."""
        return {key: row for key, row in self.rows().items() if isinstance(row, Incident)}

    def alerts(self) -> dict[str, AlertRow]:
        """Every row of an alert by fingerprint."""
        rows = self.rows().values()
        return {row.alert.fingerprint: row for row in rows if isinstance(row, AlertRow)}

    def of(self, fingerprint: str) -> Incident:
        """The incident of an alert."""
        tx = self.partition.transaction()
        row = tx.get(alert_key(fingerprint))
        assert isinstance(row, AlertRow)
        found = tx.get(row.incident_id)
        assert isinstance(found, Incident)
        return found

    def one(self) -> Incident:
        """The only incident."""
        (incident,) = self.incidents().values()
        return incident

    def collective(self) -> Incident | None:
        """The collective incident."""
        found = [one for one in self.incidents().values() if one.kind is Kind.COLLECTIVE]
        assert len(found) <= 1
        return found[0] if found else None

    def last(self) -> Incident:
        """The incident as it was published last."""
        _, found = self.published[-1]
        assert found is not None
        return found
