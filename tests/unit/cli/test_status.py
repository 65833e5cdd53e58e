"""The fleet as it is shown: figures from a worker's metrics, and a sentence for each problem."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from rich.console import Console

from ticketing.cli import status
from ticketing.cli.fleet import Fleet, as_json, problems, rendered
from ticketing.cli.worker_figures import NO_WORKER, Figures, figures_of
from ticketing.errors import Unavailable
from ticketing.kafka.consumers import AWAY, GroupSeen, TopicRead

METRICS = """
# TYPE ticketing_app_ready gauge
ticketing_app_ready{app="pipeline"} 1.0
ticketing_app_ready{app="slack"} 0.0
# TYPE ticketing_incidents_open gauge
ticketing_incidents_open 7.0
# TYPE ticketing_deliveries_pending gauge
ticketing_deliveries_pending{platform="slack"} 3.0
# TYPE ticketing_circuit_open gauge
ticketing_circuit_open{platform="slack"} 1.0
ticketing_circuit_open{platform="jira"} 0.0
# TYPE ticketing_table_rows gauge
ticketing_table_rows{app="pipeline",table="alerts"} 12.0
# TYPE ticketing_table_bytes gauge
ticketing_table_bytes{app="pipeline",table="alerts"} 4096.0
# TYPE ticketing_worker_restarts_total counter
ticketing_worker_restarts_total{reason="hung",role="slack"} 2.0
"""
READ = TopicRead("ticketing-events", 4, 4, 0)


def shown(fleet: Fleet) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(rendered(fleet))
    return captured.get()


def test_the_figures_are_those_of_the_metrics() -> None:
    found = figures_of("http://a", METRICS, ["slack recovers"])
    assert found.apps == {"pipeline": True, "slack": False}
    assert found.incidents == 7
    assert found.pending == {"slack": 3}
    assert found.circuits == ("slack",)
    assert found.tables == {("pipeline", "alerts"): (12, 4096)}
    assert found.restarts == 2


def test_a_worker_without_the_pipeline_has_no_incidents() -> None:
    found = figures_of("http://a", METRICS.replace('app="pipeline"', 'app="view"'))
    assert found.incidents is None


@pytest.mark.parametrize(
    "text",
    [
        "<!doctype html><p>a page</p>",
        '{"a": 1}',
        "up 1.0\n",
        "# TYPE table_rows gauge\ntable_rows 1\n",
    ],
    ids=["page", "json", "other metrics", "a name like ours"],
)
def test_another_program_at_a_workers_address_is_no_worker(text: str) -> None:
    found = figures_of("http://a", text)
    assert (found.answers, found.reasons, found.tables) == (False, (NO_WORKER,), {})


def test_a_worker_that_has_counted_nothing_yet_is_one() -> None:
    assert figures_of("http://a", "").answers


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (GroupSeen("empty", topics=(READ,)), "pipeline: no worker runs it"),
        (GroupSeen("dead"), "pipeline: no worker runs it"),
        (
            GroupSeen("preparing_rebalancing", 2, topics=(READ,)),
            "pipeline: its partitions are being dealt out",
        ),
        (
            GroupSeen("stable", 1, topics=(TopicRead("in", 4, 3, 0),)),
            "pipeline: 1 of 4 partitions of in have no reader",
        ),
        (
            GroupSeen("stable", 1, topics=(TopicRead("in", 4, 4, 0, (1, 3)),)),
            "Kafka has no leader for in, partitions 1, 3: neither read nor written, until a broker"
            " with their records is back",
        ),
        (GroupSeen(AWAY), "pipeline: the broker that coordinates its group does not answer"),
    ],
)
def test_a_role_in_trouble_is_told(role: GroupSeen, said: str) -> None:
    assert list(problems(Fleet({"pipeline": role}, [], 0))) == [said]


@pytest.mark.parametrize("role", [GroupSeen("stable", 1, topics=(READ,)), GroupSeen("unknown")])
def test_a_role_that_works_or_is_not_described_is_no_problem(role: GroupSeen) -> None:
    fleet = Fleet({"pipeline": role}, [figures_of("http://a", METRICS.replace(" 1.0", " 0.0"))], 0)
    assert list(problems(fleet)) == []
    assert "no problem found" in shown(fleet)


def test_workers_in_trouble_are_told() -> None:
    here = figures_of("http://a", METRICS, ["slack is recovering"])
    away = Figures("http://b", answers=False, reasons=("HTTP 401",))
    assert list(problems(Fleet({}, [here, away], 0))) == [
        "http://a: slack is recovering",
        "slack does not answer and gets probes only",
        "http://b does not answer (HTTP 401)",
    ]


def test_what_others_wrote_is_no_markup_and_acts_on_no_terminal() -> None:
    text = "[red]x[/] \x1b]0;owned\x07 [link=https://evil.example]y"
    role = GroupSeen("stable", 1, (text,), (TopicRead(text, 4, 4, 0),))
    worker = figures_of(text, METRICS, [text])
    found = shown(Fleet({"pipeline": role}, [worker], 0)).replace("\n", "")
    assert "\x1b" not in found
    assert "[red]x[/]" in found
    assert "\\u001b]0;owned" in found


def test_everything_that_is_known_is_shown() -> None:
    role = GroupSeen("stable", 2, ("/10.0.0.1",), (TopicRead("in", 4, 4, 17),))
    fleet = Fleet({"pipeline": role}, [figures_of("http://a", METRICS)], 5)
    text = shown(fleet)
    for part in ("pipeline", "2 on /10.0.0.1", "4/4", "17", "slack 3", "4096", "kept: 5"):
        assert part in text
    document: dict[str, Any] = as_json(fleet)
    assert document["roles"]["pipeline"]["topics"]["in"] == {
        "partitions": 4,
        "owned": 4,
        "lag": 17,
        "leaderless": [],
    }
    assert document["workers"][0]["tables"] == [
        {"app": "pipeline", "table": "alerts", "rows": 12, "bytes": 4096}
    ]
    assert document["deadLetters"] == 5


def test_a_watch_goes_on_while_kafka_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    first, later = Fleet({}, [], 0), Fleet({}, [], 1)
    answers = iter([Unavailable("Kafka does not answer"), later])

    def look() -> Fleet:
        answer = next(answers)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    monkeypatch.setattr(status, "LOOK_EVERY_SECONDS", 0.0)
    assert list(islice(status._looks(first, look), 3)) == [first, "Kafka does not answer", later]


def test_a_watch_without_a_terminal_prints_each_look(capsys: pytest.CaptureFixture[str]) -> None:
    said = []

    def looks() -> Iterator[Fleet | str]:
        yield Fleet({}, [], 17)
        yield "Kafka does not answer"
        said.append(capsys.readouterr().out)

    status._watch(looks())
    assert "dead letters kept: 17" in said[0]
    assert "PROBLEM Kafka does not answer" in said[0]
