"""Access to Kafka: what a client may do, as a list of grants for its ACLs."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["topic", "group"]
READ, WRITE, CREATE = "Read", "Write", "Create"
DESCRIBE, DESCRIBE_CONFIGS = "Describe", "DescribeConfigs"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """Operations on a topic or group; with `prefixed`, on all whose names begin with `name`."""

    kind: Kind
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False


def merged(grants: Iterable[Grant]) -> list[Grant]:
    """One grant for each resource, with all its operations, in order."""
    found: dict[tuple[Kind, str, bool], set[str]] = {}
    for grant in grants:
        found.setdefault((grant.kind, grant.name, grant.prefixed), set()).update(grant.operations)
    return sorted(
        Grant(kind, name, tuple(sorted(operations)), prefixed)
        for (kind, name, prefixed), operations in found.items()
    )


def arguments(grant: Grant, principal: str) -> str:
    """The arguments of `kafka-acls.sh` that give the grant to a principal, such as `User:a`."""
    operations = [word for operation in grant.operations for word in ("--operation", operation)]
    pattern = "prefixed" if grant.prefixed else "literal"
    words = ["--add", "--allow-principal", principal, *operations, f"--{grant.kind}", grant.name]
    return shlex.join([*words, "--resource-pattern-type", pattern])
