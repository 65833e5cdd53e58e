"""The settings that were changed while running, in Kafka: read at a start, written by the API.

A record holds all changes and its revision. A writer reads, decides and writes the next revision;
of two that do so at once the first record counts, and the other one takes its own back
(docs/adr/0046).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Message

from ticketing import log
from ticketing.config.loading import Needed
from ticketing.errors import Conflict, Misconfigured
from ticketing.kafka import writer
from ticketing.kafka.reader import TopicReader
from ticketing.kafka.runtime import Runtime
from ticketing.wire.packed import UNREADABLE
from ticketing.wire.settings import ChangedSettings, decode_settings, encode_settings
from ticketing.wire.topics import SETTINGS

_log = log.get(__name__)

PARTITION = 0
"""One partition keeps the records of all writers in one order."""
NAME_BYTES = 8
"""Of a record's key, so that no two writers share one and compaction keeps both."""


class SettingsTopic:
    """The changed settings of an installation. Every method raises Unavailable."""

    def __init__(self, runtime: Runtime, *, clock: Callable[[], float] = time.time) -> None:
        self._runtime = runtime
        self._clock = clock

    def read(self) -> ChangedSettings:
        """The changes in force; revision 0 where nothing was ever changed."""
        found = self._read()
        return found[_first(found)] if found else ChangedSettings()

    def write(self, after: ChangedSettings, changes: dict[str, Any], by: str) -> ChangedSettings:
        """Put `changes` in force, in the place of those `after` which they were decided.

        Raises Conflict if others were put in force meanwhile.
        """
        revision = after.revision + 1
        made = ChangedSettings(revision=revision, at=self._clock(), by=by, changes=changes)
        own = f"{revision}-{secrets.token_hex(NAME_BYTES)}"
        self._write({own: encode_settings(made)})
        found = self._read()
        if _first(found) != own:
            self._write({own: b""})
            raise Conflict("changed", "Somebody else changed settings at the same time. Try again.")
        self._write({key: b"" for key in found if key != own})
        return made

    def _write(self, records: dict[str, bytes]) -> None:
        if records:
            writer.write(self._runtime, SETTINGS, records, "the settings", PARTITION)

    def _read(self) -> dict[str, ChangedSettings]:
        """The records that were not taken back, by key, in the order of the topic."""
        found: dict[str, ChangedSettings] = {}
        with TopicReader(self._runtime) as reader:
            if PARTITION not in reader.partitions(SETTINGS):
                return found
            low, high = reader.bounds(SETTINGS, PARTITION)
            for message in reader.between(SETTINGS, PARTITION, low, high):
                key, changed = _record(message)
                if changed is None:
                    found.pop(key, None)
                else:
                    found.setdefault(key, changed)
        return found


def with_changed(runtime: Runtime, needed: Needed | None = None) -> Runtime:
    """The runtime with the settings that were changed while running.

    Changes that the given configuration does not allow any more are left out, all of them, and the
    log says so. `needed` are the keys whose secrets must be there. Raises Unavailable.
    """
    changed = SettingsTopic(runtime).read()
    try:
        return runtime.with_changes(changed, needed)
    except Misconfigured as error:
        _log.error("changed_settings_left_out", revision=changed.revision, problems=error.problems)
        return runtime


def _first(found: dict[str, ChangedSettings]) -> str:
    """The key of the record in force: of the highest revision the first."""
    return max(found, key=lambda key: found[key].revision)


def _record(message: Message) -> tuple[str, ChangedSettings | None]:
    """Key and value; None for a tombstone or what is no record, which must not hide the others."""
    try:
        key, value = (message.key() or b"").decode(), message.value()
        return key, decode_settings(value) if value else None
    except UNREADABLE:
        return "", None
