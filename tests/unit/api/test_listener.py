"""The listener of a worker without the API: three paths, guarded as the API is."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import structlog.testing
from support.requirements import free_port

from ticketing import metrics, worker
from ticketing.api.listener import Listener
from ticketing.api.services import WorkerStatus
from ticketing.config import Config
from ticketing.errors import Misconfigured
from ticketing.kafka.runtime import Runtime

TOKEN = "s3cret-token"
REASON = "pipeline is recovering its tables"


def listener(port: int, reasons: list[str] | None = None, **config: Any) -> Listener:
    settings = {"metrics": {"port": port}, **config}
    found = reasons or []
    return Listener(WorkerStatus(Config.model_validate(settings), lambda: list(found)))


def runtime_of(config: dict[str, Any]) -> Runtime:
    return Runtime(Config.model_validate(config), "127.0.0.1:9", embedded=False)


def get(port: int, path: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_it_answers_metrics_health_and_readiness(port: int) -> None:
    with listener(port):
        for prefix in ("", "/api/ticketing"):
            assert json.loads(get(port, f"{prefix}/health")[1]) == {"status": "ok"}
            assert json.loads(get(port, f"{prefix}/ready")[1]) == {"status": "ready"}
            assert "ticketing_records_total" in get(port, f"{prefix}/metrics")[1]
        assert get(port, "/api/incidents")[0] == 404


def test_it_is_not_ready_for_a_reason(port: int) -> None:
    with listener(port, [REASON]):
        status, body = get(port, "/ready")
        assert (status, json.loads(body)["reasons"]) == (503, [REASON])
        assert get(port, "/health")[0] == 200


def test_with_a_token_only_probes_need_none(port: int) -> None:
    with listener(port, web={"token": TOKEN}):
        assert get(port, "/metrics")[0] == 401
        assert get(port, "/metrics", Authorization=f"Bearer {TOKEN}")[0] == 200
        assert get(port, "/health")[0] == get(port, "/ready")[0] == 200


def test_without_a_token_a_foreign_name_is_refused(port: int) -> None:
    with listener(port):
        assert get(port, "/metrics", Host="attacker.example")[0] == 403


def test_a_scrape_is_no_request_of_the_api(port: int) -> None:
    def counted() -> float:
        labels = {"method": "GET", "status": "200"}
        return metrics.registry.get_sample_value("ticketing_http_requests_total", labels) or 0.0

    before = counted()
    with listener(port):
        assert get(port, "/metrics")[0] == 200
    assert counted() == before


def test_it_ends_with_its_block(port: int) -> None:
    with listener(port):
        pass
    with listener(port):
        assert get(port, "/health")[0] == 200
    with pytest.raises(urllib.error.URLError):
        get(port, "/health")


def test_a_port_in_use_is_named_at_the_start(taken: int) -> None:
    expected = (
        rf"metrics\.port: can't listen on 127\.0\.0\.1 port {taken} \(Address already in use\)"
    )
    with pytest.raises(Misconfigured, match=expected):
        listener(taken).start()


@pytest.mark.parametrize(
    ("roles", "enabled", "listens"),
    [
        (["pipeline"], True, True),
        (["pipeline", "slack"], True, True),
        (["pipeline", "view"], True, False),
        (["api"], True, False),
        (["pipeline"], False, False),
    ],
)
def test_only_a_worker_without_the_api_listens(
    roles: list[str], enabled: bool, listens: bool
) -> None:
    runtime = runtime_of({"metrics": {"enabled": enabled}})
    assert isinstance(worker.metrics_listener(runtime, roles), Listener) is listens


def test_readiness_is_that_of_every_role_of_the_worker(port: int) -> None:
    runtime = runtime_of({"metrics": {"port": port}})
    with worker.metrics_listener(runtime, ["pipeline", "slack"]):
        reasons = json.loads(get(port, "/ready")[1])["reasons"]
    assert reasons == ["pipeline has not started", "slack has not started"]


@pytest.mark.parametrize("section", ["web", "metrics", "faustWeb"])
def test_a_worker_says_that_it_speaks_no_tls(section: str) -> None:
    open_to_all = {section: {"host": "0.0.0.0"}, "access": {"enforced": True}}
    with structlog.testing.capture_logs() as said:
        worker.warn_of_exposure(Config.model_validate(open_to_all))
        worker.warn_of_exposure(Config())
    assert [one["log_level"] for one in said] == ["warning"]
    assert f"{section}.host is 0.0.0.0, and the worker speaks no TLS" in said[0]["event"]
