"""The platforms that have a sink, and how each is made."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec

from sinks.platform import Platform
from ticketing.config import Config
from ticketing.errors import Misconfigured


def create(name: str, config: Config, fence: Callable[[], None]) -> Platform:
    """A platform's sink as configured; raises Misconfigured if there is none of that name.

    Only the package of that platform is imported.
    """
    if find_spec(f"sinks.{name}") is None:
        raise Misconfigured(f"{name}: this version has no sink for it")
    made: Platform = importlib.import_module(f"sinks.{name}.client").create(config, fence)
    return made
