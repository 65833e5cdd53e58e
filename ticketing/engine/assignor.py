"""The assignment of partitions: never without those of the project's own topics."""

from __future__ import annotations

from typing import Any

from faust.assignor.partition_assignor import PartitionAssignor

from ticketing.engine.departure import leave
from ticketing.wire.topics import OWN_PREFIX


class CompleteAssignor(PartitionAssignor):
    """Faust's assignor, which does not settle for metadata that lacks one of the project's topics.

    A broker that has just started may list its topics a moment later. Faust would assign nothing of
    a missing topic, and static members keep that assignment: nobody would read the topic until the
    next rebalance. A leader that leaves instead makes the group assign again when it is back. An input
    topic may be missing: it is its owner's, and the topic watch looks after it.
    """

    @classmethod
    def _get_copartitioned_groups(cls, topics: set[str], cluster: Any, subscriptions: Any) -> Any:
        own = (name for name in topics if name.startswith(OWN_PREFIX))
        missing = sorted(name for name in own if not cluster.partitions_for_topic(name))
        if missing:
            names = ", ".join(missing)
            leave(f"Kafka does not list {names}: partitions are assigned once it does", "topics")
        return super()._get_copartitioned_groups(topics, cluster, subscriptions)
