"""The platforms that the sandbox stands in for: one folder each, found by walking this package.

A folder's `__init__.py` exports `STAND_IN`, its subclass of `StandIn`, and `section`, a function
from the sandbox's address to the platform's section of the configuration.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from ticketing.sandbox.platform import StandIn

Section = Callable[[str], dict[str, Any]]


def folders() -> dict[str, ModuleType]:
    """The platforms' packages by name, in alphabetical order."""
    sandbox = import_module("ticketing.sandbox")
    names = sorted(one.name for one in pkgutil.iter_modules(sandbox.__path__) if one.ispkg)
    return {name: import_module(f"ticketing.sandbox.{name}") for name in names}


PLATFORMS: dict[str, type[StandIn]] = {name: folder.STAND_IN for name, folder in folders().items()}
SECTIONS: dict[str, Section] = {name: folder.section for name, folder in folders().items()}
