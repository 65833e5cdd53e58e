"""The optional parts of an installation, each with the packages that only it needs."""

from __future__ import annotations

import importlib.util

from ticketing.errors import Misconfigured

DISTRIBUTION = "ticketing-agent"
PACKAGES = {"llm": "litellm", "demo": "fakeredis", "otel": "opentelemetry-sdk"}
"""A package of each extra that a base installation lacks."""
MODULES = {"llm": "litellm", "demo": "fakeredis", "otel": "opentelemetry"}
"""The module of each."""


def installed(extra: str) -> bool:
    """True if the packages of an extra are there."""
    return importlib.util.find_spec(MODULES[extra]) is not None


def missing(extra: str, key: str) -> list[str]:
    """The problem of a setting that needs an extra which is not installed; none otherwise."""
    if installed(extra):
        return []
    return [
        f"{key}: needs the extra `{extra}`, which is not installed:"
        f" pip install '{DISTRIBUTION}[{extra}]'"
    ]


def require(extra: str, key: str) -> None:
    """Raise Misconfigured unless an extra is installed, which a setting needs."""
    problems = missing(extra, key)
    if problems:
        raise Misconfigured(problems)
