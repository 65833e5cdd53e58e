"""The fleet works as the chart renders it: its containers' commands on real Kafka and Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.helm import CHART, rendered, values_file
from support.kafka import Kafka
from support.logs import log
from support.pods import Cluster, Pod
from support.redis import RedisServer
from support.sandbox import SandboxProcess
from support.waiting import wait_for

from ticketing.cli.chart import registry
from ticketing.config.platforms import PLATFORMS
from ticketing.sandbox.credentials import sandbox_config

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.helm]

TOKEN = "a-token-of-the-tests"
SECRET = "ticketing-agent"
INPUT = "enriched-logs"
READY_SECONDS_MAX = 240.0
"""The imports of a dozen processes at once."""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path / "sandbox.log")
    process.start()
    yield process
    process.stop()


def split(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A configuration without its secrets, and the secrets by their settings' names."""
    rest, secrets = json.loads(json.dumps(config)), {}
    for path in registry()["secrets"]:
        section, _, key = path.partition(".")
        if isinstance(rest.get(section), dict) and key in rest[section]:
            value = rest[section].pop(key)
            secrets[path] = value if isinstance(value, str) else json.dumps(value)
    return rest, secrets


@pytest.fixture
def values(broker: Kafka, own_redis: RedisServer, sandbox: SandboxProcess) -> dict[str, Any]:
    config, _ = split(sandbox_config(sandbox.url))
    return {
        "secrets": {"existingSecret": SECRET},
        "config": {
            **config,
            "kafka": {"brokers": broker.address, "partitions": 2, "replicationFactor": 1},
            "redis": {"url": own_redis.url},
            "routing": {severity: list(PLATFORMS) for severity in ("critical", "high")},
            "groupWait": "1s",
            # Two pods of a role share this machine's port, which no pod of a cluster does.
            "faustWeb": {"enabled": False},
        },
    }


@pytest.fixture
def cluster(values: dict[str, Any], sandbox: SandboxProcess, tmp_path: Path) -> Iterator[Cluster]:
    _, secrets = split(sandbox_config(sandbox.url))
    manifests = rendered(values_file(tmp_path, values))
    made = Cluster(tmp_path / "pods", manifests, {SECRET: {**secrets, "web.token": TOKEN}})
    yield made
    made.close()


def set_up(cluster: Cluster) -> list[Any]:
    (job,) = cluster.of_kind("Job")
    return cluster.pod("setup", job["spec"]["template"]["spec"]).run_once()


def wait_started(pods: list[Pod]) -> None:
    def started() -> bool:
        for pod in pods:
            assert pod.ended is None, f"{pod.name} ended with {pod.ended}\n{pod.tail()}"
        return all(pod.probe("startupProbe") for pod in pods)

    def late() -> str:
        waiting = [pod for pod in pods if not pod.probe("startupProbe")]
        return "\n".join(f"{pod.name}: {pod.get('/ready')}\n{pod.tail()}" for pod in waiting)

    wait_for(started, late, READY_SECONDS_MAX)


def test_the_fleet_works_as_rendered(
    cluster: Cluster, broker: Kafka, sandbox: SandboxProcess
) -> None:
    checked, made = set_up(cluster)
    assert checked.returncode == 0, checked.stderr
    assert made.returncode == 0, made.stderr
    assert INPUT in broker.topics()

    pods = list(cluster.fleet())
    for pod in pods:
        pod.start()
    wait_started(pods)
    assert {pod.labels["app.kubernetes.io/component"] for pod in pods} == {
        *("pipeline", "view", "api", "traces"),
        *PLATFORMS,
    }
    assert all(pod.probe("readinessProbe") and pod.probe("livenessProbe") for pod in pods)

    broker.produce(INPUT, [log(level="FATAL", score=0.99)] * 20)
    tickets = wait_for(
        lambda: {one["platform"] for one in sandbox.tickets()} == set(PLATFORMS),
        lambda: f"a ticket on each platform; there are {sandbox.tickets()}",
    )
    assert tickets
    (service,) = (
        one["spec"] for one in cluster.of_kind("Service") if one["spec"].get("clusterIP") != "None"
    )
    served = [pod for pod in pods if service["selector"].items() <= pod.labels.items()]
    assert len(served) == 2
    for pod in served:
        status, body = pod.get("/api/incidents", token=TOKEN)
        assert status == 200
        assert [one["service"] for one in json.loads(body)] == ["orders"]
        assert pod.get("/api/incidents")[0] == 401
    for pod in pods:
        status, body = pod.get("/metrics", token=TOKEN)
        assert status == 200
        assert "ticketing_" in body
        assert pod.get("/metrics")[0] == 401

    (drill,) = cluster.of_kind("Pod")
    (drilled,) = cluster.pod("drill", drill["spec"]).run_once()
    assert drilled.returncode == 0, drilled.stderr

    for pod in pods:
        assert pod.end() == 0, f"{pod.name}\n{pod.tail()}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"routing": {"critical": ["slack"]}}, "routing.critical: names slack, which is not"),
        ({"slack": {"enabled": True, "channel": None}}, "slack."),
        ({"kafka": {"caBundle": "/nowhere/ca.crt"}}, "kafka.caBundle: file not found"),
    ],
)
def test_a_wrong_value_fails_the_installation_with_the_fix(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    base = {
        "secrets": {"existingSecret": SECRET},
        "config": {"kafka": {"brokers": "127.0.0.1:1"}, "redis": {"url": "redis://127.0.0.1:1"}},
    }
    changed = tmp_path / "change"
    changed.mkdir()
    manifests = rendered(
        values_file(tmp_path, base), values_file(changed, {"config": change}), chart=CHART
    )
    cluster = Cluster(tmp_path / "pods", manifests, {SECRET: {"web.token": TOKEN}})
    (checked,) = set_up(cluster)
    # Status 2 ends the job at once: `podFailurePolicy` of the rendered Job.
    (job,) = cluster.of_kind("Job")
    assert (
        checked.returncode in job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"]
    )
    assert words in checked.stderr


def test_a_secret_that_is_missing_fails_the_installation(tmp_path: Path) -> None:
    base = {
        "secrets": {"existingSecret": SECRET},
        "config": {"kafka": {"brokers": "127.0.0.1:1"}, "redis": {"url": "redis://127.0.0.1:1"}},
    }
    cluster = Cluster(tmp_path / "pods", rendered(values_file(tmp_path, base)), {SECRET: {}})
    (checked,) = set_up(cluster)
    assert checked.returncode == 2
    assert "web.token: is required while web.host is 0.0.0.0" in checked.stderr
