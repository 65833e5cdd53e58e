"""Runs recordings through the job in memory and judges the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from agents.identities import reader_of
from ticketing.config import Config, load
from ticketing.config.loading import merge, validate
from ticketing.config.secrets import explicit
from ticketing.domain.incidents.incident import IncidentAlert
from ticketing.evaluation.history import History
from ticketing.evaluation.installation import Installation
from ticketing.evaluation.judging import Judgement, judge
from ticketing.evaluation.labels import Fault
from ticketing.evaluation.overlay import Pair, pairs, shifting
from ticketing.evaluation.recording import Line, read_recording
from ticketing.sandbox.credentials import sandbox_config

NOWHERE = "http://127.0.0.1:9"
"""No request is sent: the platforms of a run take every ticket at once."""

Told = Callable[[int], None]
"""Hears how many records are handled."""


def configuration(environ: Mapping[str, str]) -> Config:
    """The configuration of a run: the file and the environment as a worker reads them.

    Where no platform is enabled all are, so that incidents have people to page. Secrets may be
    missing. Raises Misconfigured.
    """
    config = load(None, environ, without_secrets=True)
    if config.enabled_platforms():
        return config
    return validate(merge(explicit(config), sandbox_config(NOWHERE)), without_secrets=True)


def recorded(path: Path, config: Config) -> list[Line]:
    """The lines of a recording under the configured names; raises Misconfigured with the place."""
    return read_recording(path, reader_of(config))


def evaluated(
    lines: Sequence[Line],
    faults: Sequence[Fault],
    config: Config,
    told: Told = lambda _: None,
) -> tuple[Judgement, History]:
    """Run a recording in memory and hold its incidents against the labels."""
    history = asyncio.run(Installation(config).run(lines, told))
    laid_over = any(line.part for line in lines)
    parts_of = partial(_parts, lines, history) if laid_over else None
    return judge(faults, history, lines[-1].at - lines[0].at, parts_of), history


def _parts(lines: Sequence[Line], history: History, alert: IncidentAlert) -> set[int]:
    """The parts of the recording that an alert's records come from, as far as an incident has it."""
    offsets = history.anomalies.get(alert.fingerprint, ())
    within = (lines[offset] for offset in offsets)
    found = {one.part for one in within if alert.first_seen <= one.at <= alert.last_seen}
    # Those of an overflow alert are known by other fingerprints.
    return found or {lines[alert.offset].part}


def overlays(lines: Sequence[Line], faults: Sequence[Fault], config: Config) -> list[Pair]:
    """Every two faults of a recording at once."""
    return list(pairs(lines, faults, shifting(config.input.fields.names())))


def together(judgements: Sequence[Judgement]) -> Judgement:
    """Several runs as one."""
    return Judgement(
        [one for judgement in judgements for one in judgement.faults],
        [one for judgement in judgements for one in judgement.false],
        [one for judgement in judgements for one in judgement.mixed],
        sum(judgement.seconds for judgement in judgements),
    )
