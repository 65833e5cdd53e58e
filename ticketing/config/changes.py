"""Changes to the given configuration: joined with earlier ones, kept free of secrets, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ticketing.config.model import Config
from ticketing.config.schema import env_name
from ticketing.config.secrets import in_effect, public
from ticketing.log import MASK


def joined(before: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Earlier changes with a further one (RFC 7396): null takes an earlier one back.

    A text of `****` changes nothing; in a list it stands for the secret that is given.
    """
    found = dict(before)
    for key, value in change.items():
        under = found.get(key)
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            inner = joined(under if isinstance(under, Mapping) else {}, value)
            found.pop(key, None)
            found |= {key: inner} if inner else {}
        elif value != MASK:
            found[key] = value
    return found


def given_secrets(after: Config, change: Mapping[str, Any]) -> list[str]:
    """The problems of a change with secrets in it, which are kept nowhere but where they are given.

    `after` is the configuration with the change.
    """
    return [
        f"{'.'.join(path)}: a secret is not taken here, as changes are kept in Kafka: mount it in"
        f" secretsDir, or set {env_name(path)}, and restart"
        for path in _secrets(change, public(after), ())
    ]


def differences(before: Config, after: Config) -> list[dict[str, Any]]:
    """The settings in effect that differ: `key`, and the values `from` and `to`, secrets masked."""
    old, new = dict(_leaves(in_effect(before))), dict(_leaves(in_effect(after)))
    return [
        {"key": key, "from": old.get(key), "to": new.get(key)}
        for key in dict.fromkeys((*old, *new))
        if old.get(key) != new.get(key)
    ]


def _secrets(given: Any, shown: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths at which a change gives what is shown masked."""
    if isinstance(given, Mapping) and isinstance(shown, Mapping):
        for key, value in given.items():
            yield from _secrets(value, shown.get(key), (*path, str(key)))
    elif isinstance(given, list) and isinstance(shown, list):
        for place, (value, one) in enumerate(zip(given, shown, strict=False)):
            yield from _secrets(value, one, (*path, str(place)))
    elif shown == MASK and given not in (MASK, None):
        yield path


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, name)
        else:
            yield name, value
