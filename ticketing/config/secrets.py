"""Shows the configuration without its secrets, and lists the secrets for masking in logs."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from ticketing.config.model import Config
from ticketing.config.platforms import PLATFORMS
from ticketing.config.process import Redis, is_password
from ticketing.config.values import Section
from ticketing.domain.severity import Severity
from ticketing.log import MASK


def public(section: Section) -> dict[str, Any]:
    """All settings in camelCase, JSON types only: secrets as `****`, durations in seconds."""
    return _fields(section, every=True, reveal=False)


def in_effect(config: Config) -> dict[str, Any]:
    """All public settings, with the routes to enabled platforms only."""
    shown = public(config)
    shown["routing"] = {severity.value: config.routes(severity) for severity in Severity}
    shown["routing"]["fallback"] = config.fallback()
    return shown


def explicit(section: Section) -> dict[str, Any]:
    """The given settings without defaults, **with their secrets**.

    Loads back to an equal configuration. For keeping a change and for passing the configuration to
    a child process, never for display.
    """
    return _fields(section, every=False, reveal=True)


def _fields(section: Section, *, every: bool, reveal: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        if not every and name not in section.model_fields_set:
            continue
        value = getattr(section, name)
        if isinstance(section, Redis) and name == "url" and not reveal:
            value = section.public_url
        shown[field.alias or name] = _plain(value, every=every, reveal=reveal)
    return shown


def _plain(value: Any, *, every: bool, reveal: bool) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value() if reveal else MASK
    if isinstance(value, Section):
        return _fields(value, every=every, reveal=reveal)
    if isinstance(value, dict):
        return {
            str(_plain(key, every=every, reveal=reveal)): _plain(item, every=every, reveal=reveal)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item, every=every, reveal=reveal) for item in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def secrets_of(config: Config) -> list[str]:
    """Every secret, longest first, with its encoded forms in requests."""
    found = {secret for secret in _secrets(config) if secret}
    found |= set(_basic_pairs(config))
    return sorted(found, key=len, reverse=True)


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Redis):
        # The address is shown, without its password.
        yield from _passwords(value.url.get_secret_value())
        for name in type(value).model_fields.keys() - {"url"}:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, SecretStr):
        yield value.get_secret_value()
        yield from _passwords(value.get_secret_value())
    elif isinstance(value, Section):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _secrets(item)


def _passwords(text: str) -> Iterator[str]:
    """The passwords in an address, as written and decoded."""
    try:
        parts = urlsplit(text) if "://" in text else None
    except ValueError:
        return
    if parts is None:
        return
    options = [option.partition("=") for option in parts.query.split("&")]
    found = [parts.password, *(value for name, _, value in options if is_password(name))]
    for password in filter(None, found):
        yield from (password, unquote(password))


def _basic_pairs(config: Config) -> Iterator[str]:
    """The value of `Authorization: Basic`: base64 of user and secret."""
    for name in PLATFORMS:
        for user, secret in config.platform(name).basic_credentials():
            if user and secret:
                pair = f"{user}:{secret.get_secret_value()}".encode()
                yield base64.b64encode(pair).decode()
