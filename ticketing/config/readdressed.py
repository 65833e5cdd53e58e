"""A changed address needs its secrets again: a masked one must not follow to another host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import SecretStr

from ticketing.config.values import Section
from ticketing.log import MASK

_ADDRESSES = ("Url", "endpoint", "instance", "provider", "region")
"""Ends of the keys that say where a section's requests go."""


def kept_secrets(
    name: str, before: Section, after: Section, patch: Mapping[str, Any]
) -> Iterator[str]:
    """The problems of a patched section: secrets that would be sent to an address they never knew.

    `name` is the section's key, `patch` the change to it, with `****` for what shall stay.
    """
    changed = _changed_address(before, after)
    if changed is None:
        return
    for field, info in type(after).model_fields.items():
        key = info.alias or field
        if key.endswith("Url"):
            continue  # An address that is itself a secret goes nowhere else.
        for path in _secrets(getattr(after, field), (key,)):
            given = _at(patch, path)
            if given is None or given == MASK:
                yield (
                    f"{'.'.join((name, *path))}: give it again, as {name}.{changed} has changed:"
                    " a secret that is kept would go to another address"
                )


def _changed_address(before: Section, after: Section) -> str | None:
    for name, field in type(after).model_fields.items():
        key = field.alias or name
        if key.endswith(_ADDRESSES) and getattr(before, name) != getattr(after, name):
            return key
    return None


def _secrets(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, SecretStr):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _secrets(item, (*path, str(getattr(key, "value", key))))


def _at(patch: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = patch
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
