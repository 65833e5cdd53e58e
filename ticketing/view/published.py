"""The published record of one incident, read from ticketing-incidents."""

from __future__ import annotations

from dataclasses import dataclass

from ticketing.domain.incidents.incident import Incident
from ticketing.domain.scope import partition_of_incident
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
    """The latest record of an incident; reads one partition from its beginning to its end.

    Raises NotFound with the reason, Unavailable without Kafka.
    """
    with TopicReader(runtime) as reader:
        partitions = reader.partitions(INCIDENTS)
        if not partitions:
            raise NotFound(f"There is no topic {INCIDENTS}.")
        try:
            partition = partition_of_incident(id, len(partitions))
        except ValueError:
            raise NotFound(
                f"{id[:100]} is not an incident id: two times 16 hexadecimal digits with a hyphen"
            ) from None
        key = id.encode()
        latest = None
        start, end = reader.bounds(INCIDENTS, partition)
        for message in reader.between(INCIDENTS, partition, start, end):
            if message.key() == key:
                latest = message
        if latest is None:
            raise NotFound(f"There is no incident {id} in {INCIDENTS}[{partition}].")
        value, offset = latest.value(), latest.offset() or 0
        if value is None:
            at = iso(latest.timestamp()[1] / 1000)
            raise NotFound(
                f"The incident {id} was deleted, or forgotten after `retention`, at {at}"
                f" ({INCIDENTS}[{partition}] offset {offset})."
            )
        return Published(incident=read_incident(value), partition=partition, offset=offset)
