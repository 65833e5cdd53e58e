"""The published record of one incident, read from ticketing-incidents."""

from __future__ import annotations

from dataclasses import dataclass

from aiokafka.partitioner import DefaultPartitioner
from confluent_kafka import Message

from ticketing.domain.incidents.incident import Incident
from ticketing.domain.scope import is_incident_id
from ticketing.errors import NotFound
from ticketing.kafka.reader import TopicReader
from ticketing.kafka.runtime import Runtime
from ticketing.view.times import iso
from ticketing.wire.incidents import read_incident
from ticketing.wire.topics import INCIDENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An incident as it was last published, and the place of that record."""

    incident: Incident
    partition: int
    offset: int


def published(runtime: Runtime, id: str) -> Published:
    """The latest record of an incident; reads its partition from the beginning to the end.

    Raises NotFound with the reason, Unavailable without Kafka.
    """
    if not is_incident_id(id):
        raise NotFound(
            f"{id[:100]} is not an incident id: two times 16 hexadecimal digits with a hyphen"
        )
    with TopicReader(runtime) as reader:
        partitions = reader.partitions(INCIDENTS)
        if not partitions:
            raise NotFound(f"There is no topic {INCIDENTS}.")
        latest = _latest(reader, partitions, id.encode())
    if latest is None:
        raise NotFound(f"There is no incident {id} in {INCIDENTS}.")
    value, partition, offset = latest.value(), latest.partition() or 0, latest.offset() or 0
    if value is None:
        at = iso(latest.timestamp()[1] / 1000)
        raise NotFound(
            f"The incident {id} was deleted, or forgotten after `retention`, at {at}"
            f" ({INCIDENTS}[{partition}] offset {offset})."
        )
    return Published(incident=read_incident(value), partition=partition, offset=offset)


def _latest(reader: TopicReader, partitions: list[int], key: bytes) -> Message | None:
    """The latest record of a key, looked for first where Kafka's clients put it by default."""
    home = DefaultPartitioner()(key, partitions, partitions)
    for partition in sorted(partitions, key=lambda number: number != home):
        latest = None
        start, end = reader.bounds(INCIDENTS, partition)
        for message in reader.between(INCIDENTS, partition, start, end):
            if message.key() == key:
                latest = message
        if latest is not None:
            return latest
    return None
