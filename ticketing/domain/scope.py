"""The scope of an alert: the tenant and environment within which alerts may share an incident.

The scope stands in the incident's id, so that a command finds its partition from the id alone, for
any number of partitions.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

ScopeBy = Literal["environment", "tenant"]
"""The extent of a scope: one environment of a tenant, or the whole tenant."""
BY_TENANT: ScopeBy = "tenant"

_ID = re.compile(r"([0-9a-f]{16})-[0-9a-f]{16}")
_SCOPE = re.compile(r"[0-9a-f]{16}")


def scope_of(tenant: str, environment: str, by: ScopeBy = "environment") -> str:
    """The scope of an alert: 16 lower-case hex digits, the same in every process and release."""
    parts = (tenant,) if by == BY_TENANT else (tenant, environment)
    return _hash("scope", *parts)


def is_scope(text: str) -> bool:
    """True for a text that a scope may be."""
    return _SCOPE.fullmatch(text) is not None


def is_incident_id(text: str) -> bool:
    """True for a text that an incident's id may be."""
    return _ID.fullmatch(text) is not None


def incident_id(scope: str, topic_id: str, partition: int, offset: int, fingerprint: str) -> str:
    """The id of the incident that an event opened for an alert; never used twice.

    `topic_id` is Kafka's id of ticketing-events, `partition` and `offset` those of the event.
    """
    return f"{scope}-{_hash(topic_id, str(partition), str(offset), fingerprint)}"


def scope_of_incident(incident_id: str) -> str:
    """The scope that an incident's id names; raises ValueError for a text that is no such id."""
    found = _ID.fullmatch(incident_id)
    if found is None:
        raise ValueError("not an incident id")
    return found[1]


def partition_of_scope(scope: str, partitions: int) -> int:
    """The partition, of so many, of ticketing-events that has all events of a scope.

    Raises ValueError for a text that is no scope.
    """
    return int(scope, 16) % partitions


def partition_of_incident(incident_id: str, partitions: int) -> int:
    """The partition, of so many, that has an incident; raises ValueError for no incident id."""
    return partition_of_scope(scope_of_incident(incident_id), partitions)


def _hash(*parts: str) -> str:
    """16 hex digits; parts are prefixed with their lengths, so that no two lists read the same."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    text = b"".join(b"%d:%s" % (len(part), part) for part in encoded)
    return hashlib.blake2b(text, digest_size=8).hexdigest()
