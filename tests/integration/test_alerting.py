"""A real fleet in trouble: a real Prometheus with the chart's rules fires, and is quiet after it."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.fleet import Fleet, Worker
from support.logs import log
from support.prometheus import ALERTS, command
from support.requirements import free_port
from support.waiting import wait_for

pytestmark = pytest.mark.kafka

STOP_SECONDS_MAX = 30.0
SPANS = (
    (re.compile(r"\[\d+[mh]\]"), "[20s]"),
    (re.compile(r"\[\d+[mh]:\d+m\]"), "[20s:1s]"),
    (re.compile(r"offset \d+[mh]"), "offset 20s"),
)
"""The times of the rules, and those for which a test can wait."""


@pytest.fixture
def watched(fleet: Fleet) -> Fleet:
    fleet.with_sandbox("slack")
    fleet.configure(traces={"enabled": False}, routing={"high": ["slack"], "medium": ["slack"]})
    fleet.create_topics()
    return fleet


class Prometheus:
    """A Prometheus that scrapes one worker, with the rules of the chart and no patience."""

    def __init__(self, directory: Path, target: str) -> None:
        self._port = free_port()
        rules = yaml.safe_load(ALERTS.read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                rule["for"] = "1s"
                for times, short in SPANS:
                    rule["expr"] = times.sub(short, rule["expr"])
        (directory / "alerts.yaml").write_text(yaml.safe_dump(rules))
        seconds = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        job = {
            "job_name": "ticketing",
            "static_configs": [{"targets": [target], "labels": {"pod": "a"}}],
        }
        config = {"global": seconds, "rule_files": ["alerts.yaml"], "scrape_configs": [job]}
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        self._log = (directory / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [
                command("prometheus"),
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query; none while it does not answer yet."""
        assert self._process.poll() is None, "Prometheus has ended: see its log"
        asked = urllib.parse.urlencode({"query": expression})
        address = f"http://127.0.0.1:{self._port}/api/v1/query?{asked}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except OSError:
            return []
        return found

    def fires(self, alert: str) -> bool:
        """True while the alert fires."""
        return bool(self.query(f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))

    def wait_fires(self, alert: str) -> None:
        wait_for(lambda: self.fires(alert), lambda: f"{alert} to fire; {self.query('ALERTS')}")

    def wait_quiet(self, alert: str) -> None:
        wait_for(lambda: not self.fires(alert), f"{alert} to go out")


@pytest.fixture
def worker(watched: Fleet) -> Worker:
    found = watched.worker("a", "pipeline", "slack", "view")
    found.wait_ready()
    return found


@pytest.fixture
def prometheus(worker: Worker, tmp_path: Path) -> Iterator[Prometheus]:
    found = Prometheus(tmp_path, f"127.0.0.1:{worker.port}")
    yield found
    found.stop()


@pytest.mark.prometheus
def test_alerts_fire_on_real_trouble_and_go_out_after_it(
    watched: Fleet, worker: Worker, prometheus: Prometheus
) -> None:
    wait_for(
        lambda: len(prometheus.query("ticketing_app_ready == 1")) == 3, "every app in Prometheus"
    )
    assert watched.sandbox is not None
    watched.sandbox.set_fault("slack", "server_error")
    watched.feed([log(f"fault {name} of the disk") for name in ("alpha", "beta", "gamma")] * 4)
    prometheus.wait_fires("TicketingCircuitOpen")
    watched.sandbox.set_fault("slack", "none")
    prometheus.wait_quiet("TicketingCircuitOpen")

    watched.feed(["no JSON"])
    prometheus.wait_fires("TicketingDeadLetters")
    prometheus.wait_quiet("TicketingDeadLetters")

    worker.stop("pipeline")
    prometheus.wait_fires("TicketingNoPipeline")
    worker.start("pipeline")
    prometheus.wait_quiet("TicketingNoPipeline")
    # What is seen of it all.
    assert prometheus.query("sum(ticketing_log_to_page_seconds_count) > 0")
    assert prometheus.query("ticketing_rebalances_total > 0")
    assert prometheus.query('ticketing_row_bytes_count{table="incidents"} > 0')
    assert prometheus.query('ticketing_lag_records{topic="enriched-logs"} == 0')
