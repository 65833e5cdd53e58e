"""Metrics as text: one sum over the processes of a worker. What they say, product code has set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ticketing import metrics
from ticketing.engine.agent import timed
from ticketing.metrics import exposition

TWO_OPEN_INCIDENTS = """
import os, sys
from agents.incidents import IncidentMachine
from ticketing import metrics
from ticketing.config import Config
from ticketing.config.policy import policy
from ticketing.engine.agent import timed

if len(sys.argv) > 1:
    metrics.forget(int(sys.argv[1]))
    print(metrics.render().decode())
else:
    IncidentMachine(policy(Config()), partitions=1).report_unfinished(2)
    with timed("incidents", 5):
        pass
    print(os.getpid())
"""

OWNED_RECORDS = """
import os, sys
from types import SimpleNamespace
from faust.types import TP
from agents.shown_totals import ShownTotals
from agents.source_totals import SourceTotals
from ticketing.domain.alerts.conservation import Tally
from ticketing.engine.commit_notes import CommitNotes

logs, notes, owned = TP("logs", 0), CommitNotes(), {TP("logs", 0)}
app = SimpleNamespace(notes=notes, consumer=SimpleNamespace(assignment=lambda: owned))
sources = SourceTotals({"logs": "id"}, notes)
shown = ShownTotals(app, sources, frozenset(["logs"]))
sources.end(logs, 5, Tally(since="id:0", records=int(sys.argv[1])))
notes.saved({logs: 5})
if sys.argv[2:] == ["lost"]:
    owned.clear()
    shown.show()
print(os.getpid())
"""


def value(text: str, sample: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(text):
        for found in family.samples:
            if found.name == sample and labels.items() <= found.labels.items():
                return float(found.value)
    return None


class Processes:
    """Processes that keep their metrics in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._environ = {**os.environ, metrics.MULTIPROCESS_VARIABLE: str(directory)}

    def run(self, *arguments: str, script: str = TWO_OPEN_INCIDENTS) -> str:
        """What a process prints."""
        return subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=self._environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(tmp_path)


def test_what_is_counted_is_rendered() -> None:
    def rendered() -> float:
        text = metrics.render().decode()
        return value(text, "ticketing_batch_records_total", agent="rendered") or 0.0

    before = rendered()
    with timed("rendered", 3):
        pass
    assert rendered() == before + 3


def test_a_batch_that_fails_is_not_counted() -> None:
    with pytest.raises(OSError, match="disk"), timed("failing", 3):
        raise OSError("disk")
    text = metrics.render().decode()
    assert value(text, "ticketing_batch_records_total", agent="failing") is None


def test_processes_that_share_a_directory_render_their_sum(processes: Processes) -> None:
    for _ in range(2):
        processes.run()
    text = metrics.render(str(processes.directory)).decode()
    assert value(text, "ticketing_batch_records_total", agent="incidents") == 10
    assert value(text, "ticketing_incidents_open") == 4


def test_a_dead_process_leaves_its_counts_and_takes_its_gauges(processes: Processes) -> None:
    dead = processes.run()
    processes.run()
    text = processes.run(dead)
    assert value(text, "ticketing_batch_records_total", agent="incidents") == 10
    assert value(text, "ticketing_incidents_open") == 2


def records(processes: Processes) -> float | None:
    text = metrics.render(str(processes.directory)).decode()
    assert "# TYPE ticketing_records_total counter" in text
    return value(text, "ticketing_records_total", topic="logs", partition="0")


def test_a_count_kept_with_a_partition_is_its_owners_alone(processes: Processes) -> None:
    former = processes.run("5", script=OWNED_RECORDS)
    assert records(processes) == 5
    processes.run("7", script=OWNED_RECORDS)
    assert records(processes) == 7, "the former owner has not been buried yet"
    metrics.forget(int(former), str(processes.directory))
    assert records(processes) == 7


def test_a_count_of_a_partition_that_was_lost_is_not_rendered(processes: Processes) -> None:
    processes.run("5", "lost", script=OWNED_RECORDS)
    assert records(processes) is None


def test_a_process_that_is_just_starting_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(metrics.MULTIPROCESS_VARIABLE, str(tmp_path))
    starting = tmp_path / "counter_1.db"
    starting.write_bytes(b"")
    monkeypatch.setattr(exposition.time, "sleep", lambda _: starting.unlink())
    assert metrics.render() == b""
