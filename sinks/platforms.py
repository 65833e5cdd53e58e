"""The parts of a platform's sink, found by the platform's name.

Only the package of the named platform is imported. A missing part raises Misconfigured, with the
name of the file that should have it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any

from sinks.calls.dry_run import DryRun, ShowRequest
from sinks.calls.http import http_for
from sinks.calls.transport import Transport
from sinks.platform import Sink
from sinks.text.scrubbed import ScrubbedSink
from ticketing.config import Config, secrets_of
from ticketing.errors import Misconfigured
from ticketing.log import Redactor
from ticketing.privacy import for_tickets


def create(
    name: str, config: Config, fence: Callable[[], None], transport: Transport | None = None
) -> Sink:
    """A platform's sink as configured: `create` in `sinks/<name>/client.py`.

    `fence` is called right before each request. A given `transport` replaces the network.
    """
    open_http = partial(http_for, config, name, fence=fence, transport=transport)
    made: Sink = _part(name, "client", "create")(config, open_http)
    made.traits = replace(made.traits, untold_ends=config.notify.untold(name))
    scrub = for_tickets(config, name)
    return made if scrub is None else ScrubbedSink(made, scrub)


def dry_run(name: str, config: Config, show: ShowRequest) -> Transport:
    """The transport of a platform's dry run: `assumed_answers` in `sinks/<name>/dry_run.py`."""
    answers = _part(name, "dry_run", "assumed_answers")(config)
    return DryRun(answers, show, Redactor(secrets_of(config)))


def require_sinks(names: Iterable[str]) -> None:
    """Raise Misconfigured unless each of the platforms has a sink; imports none of them."""
    missing = [_missing(name, "client") for name in names if not _exists(name, "client")]
    if missing:
        raise Misconfigured(missing)


def _part(name: str, module: str, function: str) -> Any:
    if not _exists(name, module):
        raise Misconfigured(_missing(name, module))
    found = getattr(importlib.import_module(f"sinks.{name}.{module}"), function, None)
    if found is None:
        raise Misconfigured(f"{name}: sinks/{name}/{module}.py has no function {function}")
    return found


def _exists(name: str, module: str) -> bool:
    package = f"sinks.{name}"
    return find_spec(package) is not None and find_spec(f"{package}.{module}") is not None


def _missing(name: str, module: str) -> str:
    return f"{name}: this version has no sinks/{name}/{module}.py"
