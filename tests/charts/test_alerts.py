"""Every alert fires on the metrics it is for, goes out again, and has a runbook."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.helm import CHART
from support.prometheus import ALERTS, promtool

from ticketing import metrics

REPOSITORY = CHART.parents[1]
GROUPS = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in GROUPS for rule in group["rules"]
}
RUNBOOKS = (REPOSITORY / "docs" / "runbooks.md").read_text(encoding="utf-8")
METRIC = re.compile(r"\bticketing_[a-z_]+")
SUFFIX = re.compile(r"_(bucket|sum|count)$")
OF_THE_TARGET = {"pod"}
"""Labels that Prometheus adds to what it scrapes."""


@dataclass(frozen=True)
class Case:
    """Series by the minute, and the minutes at which the alert is quiet, fires and is quiet again.

    Values are in promtool's notation: `1+0x5` is six times 1, `0+2x5` rises by 2.
    """

    series: dict[str, str]
    before: int
    fires: int
    after: int


POD = 'pod="p"'
CASES = {
    "TicketingNoPipeline": Case(
        {f'ticketing_app_ready{{app="pipeline",{POD}}}': "1+0x3 _x15 1+0x20"}, 3, 17, 25
    ),
    "TicketingAppNotReady": Case(
        {f'ticketing_app_ready{{app="slack",{POD}}}': "1+0x5 0+0x20 1+0x10"}, 10, 20, 30
    ),
    "TicketingPipelineBehind": Case(
        {
            f'ticketing_lag_records{{app="pipeline",topic="t",{POD}}}': (
                "900+0x5 2000+500x30 100+0x30"
            )
        },
        10,
        30,
        60,
    ),
    "TicketingRoleBehind": Case(
        {f'ticketing_lag_records{{app="view",topic="t",{POD}}}': "0+0x5 2000+500x50 100+0x30"},
        20,
        45,
        80,
    ),
    "TicketingRecordsNotAccountedFor": Case(
        {
            f'ticketing_records_total{{topic="t",partition="0",{POD}}}': "0+600x60 36000+0x300",
            f'ticketing_records_below_threshold_total{{topic="t",partition="0",{POD}}}': (
                "0+500x60 30000+0x300"
            ),
            # Of the anomalies, 40 are not counted until somebody redrives them.
            f'ticketing_anomalies_counted_total{{partition="0",{POD}}}': (
                "0+100x60 5960+0x140 6000+0x160"
            ),
        },
        60,
        190,
        280,
    ),
    "TicketingMessagesExpired": Case(
        {f'ticketing_messages_expired_total{{topic="t",partition="0",{POD}}}': "_x5 7+0x120"},
        4,
        20,
        100,
    ),
    "TicketingCrashLoop": Case(
        {f'ticketing_worker_crash_looping{{role="slack",{POD}}}': "0+0x5 1+0x5 0+0x5"}, 3, 8, 14
    ),
    "TicketingRestarts": Case(
        {
            f'ticketing_worker_restarts_total{{role="slack",reason="hung",{POD}}}': (
                "0+0x5 0+1x10 10+0x40"
            )
        },
        4,
        14,
        40,
    ),
    "TicketingRebalances": Case(
        {f'ticketing_rebalances_total{{app="slack",{POD}}}': "1+0x10 1+1x20 21+0x60"}, 9, 30, 80
    ),
    "TicketingGuardFails": Case(
        {f'ticketing_guards_failing{{guard="watchdog",{POD}}}': "0+0x5 1+0x10 0+0x5"}, 8, 14, 20
    ),
    "TicketingTablesSetAside": Case(
        {f'ticketing_tables_set_aside_total{{table="incidents",{POD}}}': "_x5 1+0x120"},
        4,
        20,
        100,
    ),
    "TicketingRowsSetAside": Case(
        {f'ticketing_rows_set_aside{{agent="incidents",{POD}}}': "0+0x5 2+0x30 0+0x5"}, 15, 30, 40
    ),
    "TicketingDeliveriesWait": Case(
        {f'ticketing_deliveries_pending{{platform="slack",{POD}}}': "0+0x5 1+2x50 0+0x20"},
        20,
        45,
        70,
    ),
    "TicketingCircuitOpen": Case(
        {f'ticketing_circuit_open{{platform="slack",{POD}}}': "0+0x5 1+0x10 0+0x5"}, 8, 14, 20
    ),
    "TicketingTicketsLate": Case(
        {
            f'ticketing_ticket_seconds_bucket{{platform="slack",le="60.0",{POD}}}': "0+5x5 25+0x90",
            f'ticketing_ticket_seconds_bucket{{platform="slack",le="120.0",{POD}}}': (
                "0+5x5 25+5x25 150+0x60"
            ),
            f'ticketing_ticket_seconds_bucket{{platform="slack",le="+Inf",{POD}}}': (
                "0+5x5 25+5x25 150+0x60"
            ),
        },
        5,
        30,
        60,
    ),
    "TicketingFallback": Case(
        {f'ticketing_fallbacks_total{{platform="slack",reason="rejected",{POD}}}': ("_x5 1+0x60")},
        4,
        8,
        30,
    ),
    "TicketingDeadLetters": Case(
        {f'ticketing_dead_letters_total{{stage="detection",reason="empty",{POD}}}': ("_x5 3+0x30")},
        4,
        8,
        20,
    ),
    "TicketingHeartbeatWithheld": Case(
        {f'ticketing_heartbeats_total{{outcome="withheld",{POD}}}': "0+0x5 0+1x10 10+0x30"},
        4,
        14,
        40,
    ),
}

by_alert = pytest.mark.parametrize("name", RULES)


def evaluated(name: str, case: Case) -> dict[str, Any]:
    """A test of promtool: the number of firing alerts of this name at three times."""
    query = f'count(ALERTS{{alertname="{name}", alertstate="firing"}})'
    one = [{"labels": "{}", "value": 1}]
    return {
        "name": name,
        "interval": "1m",
        "input_series": [
            {"series": series, "values": values} for series, values in case.series.items()
        ],
        "promql_expr_test": [
            {"expr": query, "eval_time": f"{minute}m", "exp_samples": samples}
            for minute, samples in ((case.before, []), (case.fires, one), (case.after, []))
        ],
    }


def run(tests: list[dict[str, Any]], directory: Path) -> str:
    """Give the tests to promtool; returns its complaints."""
    written = directory / "alerts.test.yaml"
    written.write_text(
        yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests})
    )
    done = promtool("test", "rules", written)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def expression(rule: dict[str, Any]) -> set[str]:
    """The metrics that a rule asks for."""
    return {SUFFIX.sub("", name) for name in METRIC.findall(rule["expr"])}


def test_every_alert_has_its_case() -> None:
    assert set(CASES) == set(RULES)


@pytest.mark.prometheus
def test_prometheus_takes_the_rules() -> None:
    done = promtool("check", "rules", ALERTS)
    assert done.returncode == 0, done.stderr
    assert f"{len(RULES)} rules found" in done.stdout


@pytest.mark.prometheus
@by_alert
def test_an_alert_fires_and_goes_out(name: str, tmp_path: Path) -> None:
    assert run([evaluated(name, CASES[name])], tmp_path) == ""


FIRST = [name for name, rule in RULES.items() if "unless" in rule["expr"]]


@pytest.mark.prometheus
@pytest.mark.parametrize("name", FIRST)
def test_a_second_time_is_told_too(name: str, tmp_path: Path) -> None:
    again = {series: "1+0x120 2+0x200" for series in CASES[name].series}
    assert run([evaluated(name, Case(again, 119, 124, 300))], tmp_path) == ""


@pytest.mark.prometheus
@pytest.mark.parametrize("name", FIRST)
def test_a_counter_that_stands_at_zero_tells_nothing(name: str, tmp_path: Path) -> None:
    zero = {series: "_x5 0+0x60 1+0x100" for series in CASES[name].series}
    assert run([evaluated(name, Case(zero, 8, 68, 160))], tmp_path) == ""


@pytest.mark.prometheus
def test_an_alert_that_does_not_fire_would_be_seen(tmp_path: Path) -> None:
    name = "TicketingCrashLoop"
    quiet = Case({series: "0+0x15" for series in CASES[name].series}, 3, 8, 14)
    assert "FAILED" in run([evaluated(name, quiet)], tmp_path)


@by_alert
def test_an_alert_names_labels_that_its_metric_has(name: str) -> None:
    rule = RULES[name]
    (first, *_) = sorted(expression(rule))
    labels = set(metrics.definitions[first.removeprefix("ticketing_")].labels)
    told = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert told <= labels | OF_THE_TARGET


@by_alert
def test_an_alert_has_its_chapter_of_the_runbooks(name: str) -> None:
    assert RULES[name]["annotations"]["runbook"] == f"docs/runbooks.md#{name.lower()}"
    assert f"\n## {name}\n" in RUNBOOKS


def test_every_runbook_is_of_an_alert() -> None:
    of_the_chart = (CHART / "templates" / "monitoring.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE))
    assert named == {*RULES, *re.findall(r"alert: (\w+)", of_the_chart)}
