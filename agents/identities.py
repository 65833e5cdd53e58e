"""The identity of the fault that a record is about, with caches that never show."""

from __future__ import annotations

import functools

from agents.log_record import Document
from agents.record_reader import RecordReader
from ticketing.config import Config
from ticketing.domain.alerts.combine import Identity
from ticketing.domain.alerts.field_names import LEVEL_SCALES
from ticketing.domain.alerts.field_values import number_from
from ticketing.domain.alerts.fingerprint import fingerprint, slow_fingerprint, stray_fingerprint
from ticketing.domain.alerts.levels import level_score, rank_of
from ticketing.domain.alerts.record_fields import (
    NAME_CHARS_MAX,
    Tenants,
    service_of,
    tenant_of,
    text_of,
)
from ticketing.domain.alerts.slow_spans import (
    is_harmless,
    is_slow_work,
    operation_of,
    slow_pattern,
    slow_title,
)
from ticketing.domain.patterns.frames import STRAY
from ticketing.domain.patterns.pattern import Key, Patterns, Rule
from ticketing.domain.patterns.reading import TITLE_CHARS_MAX

# Caches of a worker. A longer message is not remembered, so that messages take some 32 MB at most;
# no message has two fingerprints; levels are few, unless they are garbage.
CACHED_CHARS_MAX = 4_096
CACHED_MESSAGES_MAX = 8_192
CACHED_FINGERPRINTS_MAX = 8_192
CACHED_OPERATIONS_MAX = 4_096
CACHED_LEVELS_MAX = 256

Said = tuple["str | None", ...]
"""The fields of a record that its identity comes from, as the record has them."""


class Identities:
    """Finds identities; equal records have equal ones."""

    def __init__(
        self, patterns: Patterns, reader: RecordReader, tenants: Tenants | None = None
    ) -> None:
        self._patterns = patterns
        self.reader = reader
        self.tenants = tenants or Tenants()
        self._cached = functools.lru_cache(CACHED_MESSAGES_MAX)(self._of_text)
        self._fingerprint = functools.lru_cache(CACHED_FINGERPRINTS_MAX)(fingerprint)
        self._slow = functools.lru_cache(CACHED_OPERATIONS_MAX)(_slow_identity)
        self._harmless = functools.lru_cache(CACHED_LEVELS_MAX)(self._is_harmless)

    def said(self, document: Document) -> Said:
        """The fields of an anomaly that its identity comes from: for slow work, its endpoint too."""
        tenant, environment, service = (
            document.tenant_id,
            document.environment,
            document.service,
        )
        if (
            document.duration_ms is not None
            and self._harmless(document.level)
            and self._is_slow(document)
        ):
            return tenant, environment, service, document.message, _endpoint(document)
        return tenant, environment, service, document.message

    def of(self, document: Document) -> Identity:
        """The identity of the fault that an anomaly is about; raises Unfit."""
        identity = self._of(document)
        if not self._is_slow(document) or identity.stray or identity.traced:
            return identity
        return self._slow(
            identity.tenant, identity.environment, identity.service, _endpoint(document)
        )

    def key(self, document: Document) -> Key:
        """The pattern and codes of a record, be it one without a service; raises Unfit without text."""
        key = self.key_of_text(document.text())
        if key.pattern == STRAY or key.traced or not self._is_slow(document):
            return key
        return Key(slow_pattern(operation_of(_endpoint(document))))

    def key_of_text(self, text: str) -> Key:
        """The pattern and codes of a text, be it a blank one."""
        return self._patterns.key(text) or Key(STRAY)

    def title(self, identity: Identity, document: Document) -> str:
        """The title of an alert whose first record this is."""
        if identity.stray:
            return STRAY
        duration = number_from(document.duration_ms)
        if identity.slow and duration is not None:
            return slow_title(_endpoint(document), duration, TITLE_CHARS_MAX)
        return document.title()

    def _of(self, document: Document) -> Identity:
        text = document.text()
        known = self._cached if len(text) <= CACHED_CHARS_MAX else self._of_text
        return known(document.tenant_id, document.environment, document.service, text)

    def _is_slow(self, document: Document) -> bool:
        duration = document.duration_ms
        if type(duration) is not float:
            duration = number_from(duration)
        return self._harmless(document.level) and is_slow_work(
            duration, _endpoint(document), document.error_message
        )

    def _is_harmless(self, level: str | None) -> bool:
        return is_harmless(self.reader.level_of(level))

    def _of_text(
        self, tenant: str | None, environment: str | None, service: str | None, text: str
    ) -> Identity:
        known = self.tenants.of(tenant_of(tenant))
        place = known, text_of(environment, NAME_CHARS_MAX), service_of(service)
        key = self._patterns.key(text)
        if key is None:
            return Identity(stray_fingerprint(*place), *place, STRAY, stray=True)
        found = self._fingerprint(*place, key.pattern, key.codes)
        return Identity(found, *place, key.shown(), traced=key.traced)


def identities_of(config: Config) -> Identities:
    """The identities as configured."""
    tenants = Tenants(frozenset(config.input.tenants), config.input.unknown_tenant)
    return Identities(patterns_of(config), reader_of(config), tenants)


def reader_of(config: Config) -> RecordReader:
    """The reader of records under the configured names."""
    fields = config.input.fields
    scale = LEVEL_SCALES[fields.preset]
    minimum = config.anomaly.minimum_score
    by_level = None
    if config.anomaly.scoring == "level":
        lowest = rank_of(config.anomaly.lowest_level)
        assert lowest is not None, "the setting allows known levels only"
        by_level = functools.lru_cache(CACHED_LEVELS_MAX)(
            functools.partial(level_score, lowest=lowest, minimum_score=minimum)
        )
    return RecordReader(fields.names(), scale, minimum_score=minimum, by_level=by_level)


def patterns_of(config: Config) -> Patterns:
    """The patterns with the operator's own rules, as configured."""
    rules = config.anomaly.pattern_rules
    return Patterns([Rule(name=r.name, pattern=r.pattern, replace=r.replace) for r in rules])


def _slow_identity(tenant: str, environment: str, service: str, endpoint: str) -> Identity:
    operation = operation_of(endpoint)
    found = slow_fingerprint(tenant, environment, service, operation)
    return Identity(found, tenant, environment, service, slow_pattern(operation), slow=True)


def _endpoint(document: Document) -> str:
    return document.endpoint or document.affected_endpoint or ""
