"""`ticketing config check`: the checks of a start, without starting."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ticketing import extras
from ticketing.config.checks import warnings
from ticketing.config.foreign import remarks
from ticketing.config.loading import load, named_file, read_file
from ticketing.config.model import Config
from ticketing.config.secrets import in_effect
from ticketing.domain.severity import Severity
from ticketing.errors import Misconfigured


def check(
    path: Path | None, environ: Mapping[str, str] | None = None, *, without_secrets: bool = False
) -> tuple[list[str], str]:
    """The problems of a file with the environment, and a report of the settings in effect.

    Without a path the file named by TICKETING_CONFIG is read, if any. One problem a line, each with
    the key's path and the nearest fix; with problems the report is empty. Neither contains a
    secret.
    """
    environ = os.environ if environ is None else environ
    path = path or named_file(environ)
    try:
        config = load(path, environ, without_secrets=without_secrets)
    except Misconfigured as error:
        return error.problems, ""
    # A check without secrets is made elsewhere than where the agent is installed.
    lacking = [] if without_secrets else _missing_extras(config)
    if lacking:
        return lacking, ""
    return [], report(config, remarks(read_file(path)) if path else [])


def _missing_extras(config: Config) -> list[str]:
    """The problems of the settings that need an extra which is not installed."""
    problems: list[str] = []
    if config.telemetry.otlp.endpoint:
        problems += extras.missing("otel", "telemetry.otlp.endpoint")
    if config.llm.chain:
        key = "llm.providers" if config.llm.providers else "llm.provider"
        problems += extras.missing("llm", key)
    return problems


def report(config: Config, said: Iterable[str] = ()) -> str:
    """A report of a valid configuration: routes, warnings, and every setting, secrets masked.

    `said` are warnings beside those of the configuration itself.
    """
    lines = ["The configuration is valid.", "", "Routes:"]
    for severity in Severity:
        lines.append(f"  {severity.value:<9} {', '.join(config.routes(severity)) or '(none)'}")
    if config.fallback():
        lines.append(f"  {'fallback':<9} {', '.join(config.fallback())}")
    said = [*said, *warnings(config)]
    if said:
        lines += ["", "Warnings:", *(f"  {warning}" for warning in said)]
    lines += ["", "Settings in effect (durations in seconds, secrets masked):"]
    lines.append(json.dumps(in_effect(config), indent=2, ensure_ascii=False))
    return "\n".join(lines)
