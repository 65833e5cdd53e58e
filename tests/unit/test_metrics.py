"""Metrics: names that follow the rule, and one sum over processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ticketing import metrics
from ticketing.metrics import exposition


def value(text: str, sample: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for found in family.samples:
            if found.name == sample and labels.items() <= found.labels.items():
                return float(found.value)
    return None


def test_every_metric_is_ours_and_says_what_it_counts() -> None:
    for family in metrics.registry.collect():
        assert re.fullmatch(r"ticketing_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


def test_what_is_counted_is_rendered() -> None:
    before = value(metrics.render().decode(), "ticketing_signals_total", kind="test") or 0.0
    metrics.signals_total.labels("test").inc(3)
    assert value(metrics.render().decode(), "ticketing_signals_total", kind="test") == before + 3


def test_processes_that_share_a_directory_render_their_sum(tmp_path: Path) -> None:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    program = (
        "from ticketing import metrics\n"
        "metrics.records_total.inc(5)\n"
        "metrics.deliveries_total.labels('slack', 'delivered').inc()\n"
        "print(metrics.render().decode())\n"
    )
    for run in (1, 2):
        ended = subprocess.run(
            [sys.executable, "-c", program],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert value(ended.stdout, "ticketing_records_total") == 5 * run
        assert value(ended.stdout, "ticketing_deliveries_total", platform="slack") == run


def test_a_dead_process_leaves_its_counts_and_takes_its_gauges(tmp_path: Path) -> None:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    program = (
        "from ticketing import metrics\n"
        "import os, sys\n"
        "if len(sys.argv) > 1: metrics.forget(int(sys.argv[1])); print(metrics.render().decode())\n"
        "else: metrics.incidents_open.set(7); metrics.records_total.inc(); print(os.getpid())\n"
    )

    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", program, *arguments]
        return subprocess.run(
            command, env=environ, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    text = run(run().strip())
    assert value(text, "ticketing_records_total") == 1
    assert not value(text, "ticketing_incidents_open")


def test_a_process_that_is_just_starting_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics.MULTIPROCESS_VARIABLE, str(tmp_path))
    starting = tmp_path / "counter_1.db"
    starting.write_bytes(b"")
    monkeypatch.setattr(exposition.time, "sleep", lambda _: starting.unlink())
    assert metrics.render() == b""
