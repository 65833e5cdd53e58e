"""Scrubs texts where they leave, as `privacy.scrub` says: one function for every way out.

A scrubber takes this installation's own secrets out too, in whatever form they come.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from ticketing.config import Config, secrets_of
from ticketing.config.catalog import services_of
from ticketing.config.values import Section
from ticketing.domain.records import replace
from ticketing.domain.scrubbing.kinds import NAMES_HAVE
from ticketing.domain.scrubbing.scrub import scrub
from ticketing.log import MASK, Redactor

T = TypeVar("T")
_GONE = re.compile(r"\[([a-z ]+)\]")
Scrubber = Callable[[str], str]
"""Returns a text without secrets and personal data."""

MACHINE_MADE = frozenset(
    {
        *("id", "incident_id", "scope", "fingerprint", "unlinked", "config", "topic", "source"),
        *("merged", "merged_into", "previous", "split_from", "collective_id"),
        *("platform", "routes", "stays_on", "take_by", "external_id", "key", "url", "account"),
        *("by", "assignees", "escalated_to", "on_call", "generated_by", "basis"),
    }
)
"""Fields that hold no text of a log: ids and addresses of ours and of tickets, names of platforms,
of models, and of the people who act on an incident."""
NAMES = frozenset({"tenant", "service", "environment"})
"""Fields with names that people gave to what they run."""
LOOKED_UP = MACHINE_MADE | NAMES
"""Also the names by which people look incidents up, and are let see them."""


def scrubber(secrets: Iterable[str] = (), keep: Collection[str] = ()) -> Scrubber:
    """A scrubber that also takes out `secrets`, and leaves the kinds in `keep`."""
    redact, kept = Redactor(secrets), frozenset(keep)
    return lambda text: scrub(redact(text), kept)


def for_tickets(config: Config, platform: str) -> Scrubber | None:
    """The scrubber of a platform's tickets; None where they are not scrubbed.

    A service or a tenant that the configuration names stays whole, whatever its form: by its name a
    ticket gets its group, its owner and its links.
    """
    if not config.privacy.scrub.on(platform):
        return None
    scrub = _configured(config)
    names = {
        *services_of(config.catalog.file, config.catalog.services),
        *_names(config.platform(platform)),
    }
    return lambda text: text if text in names else scrub(text)


def for_storage(config: Config) -> Scrubber | None:
    """The scrubber of records as they are read; None where they are stored as they are."""
    return _configured(config) if config.privacy.scrub.storage else None


def for_view(config: Config) -> Scrubber | None:
    """The scrubber of the view, which the API shows; None where it is not scrubbed."""
    return _configured(config) if config.privacy.scrub.api else None


def for_prompts(config: Config) -> Scrubber:
    """The scrubber of prompts. The installation's own secrets go in any case."""
    secrets = secrets_of(config)
    return scrubber(secrets) if config.privacy.scrub.summaries else Redactor(secrets)


def scrubbed(record: T, scrub: Scrubber, but: Collection[str] = MACHINE_MADE) -> T:
    """A dataclass with every text in it scrubbed, however deep; the very same if none changed.

    Fields named in `but` stay as they are, and so do words of enums, and names that only look like
    an address or a token.
    """
    changes = {}
    kind: Any = type(record)
    for name in _fields_of(kind):
        if name in but:
            continue
        value = getattr(record, name)
        new = _scrubbed(value, scrub, but)
        if name in NAMES and new is not value and _is_name(value, new):
            continue
        if new is not value:
            changes[name] = new
    return replace(record, **changes) if changes else record


@cache
def _fields_of(kind: Any) -> tuple[str, ...]:
    """The names of a dataclass's fields; looked up once, as a rebuild of the view scrubs millions."""
    return tuple(field.name for field in fields(kind))


def _scrubbed(value: Any, scrub: Scrubber, but: Collection[str]) -> Any:
    if type(value) is str:
        new = scrub(value)
        return value if new == value else new
    if isinstance(value, (list, tuple)):
        parts = [_scrubbed(part, scrub, but) for part in value]
        same = all(new is part for new, part in zip(parts, value, strict=True))
        return value if same else type(value)(parts)
    if isinstance(value, dict):
        made = {key: _scrubbed(part, scrub, but) for key, part in value.items()}
        return value if all(made[key] is part for key, part in value.items()) else made
    if is_dataclass(value) and not isinstance(value, type):
        return scrubbed(value, scrub, but)
    return value


def _is_name(value: str, shown: str) -> bool:
    """True if all that went has a form that names have too."""
    gone = _GONE.findall(shown)
    return shown.count(MASK) == value.count(MASK) and bool(gone) and NAMES_HAVE.issuperset(gone)


def _names(section: Section) -> Iterator[str]:
    """The services and tenants by which a section chooses."""
    for key, value in section:
        if key in ("services", "tenants") and isinstance(value, dict):
            yield from value
        elif isinstance(value, Section):
            yield from _names(value)


def _configured(config: Config) -> Scrubber:
    return scrubber(secrets_of(config), config.privacy.scrub.keep)
