"""Our own requests go where they are told, and carry nothing that the environment slips in."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiokafka.errors import KafkaConnectionError
from pydantic import SecretStr

from agents import heartbeat
from sinks.calls.outcome import Failed
from sinks.calls.transport import Network
from ticketing.access.oidc import Provider
from ticketing.cli import worker_figures
from ticketing.client.client import Client
from ticketing.config import Config
from ticketing.config.access import Oidc
from ticketing.errors import TicketingError, Unavailable
from ticketing.kafka.tokens import ClientTokens
from ticketing.llm.models import Models, NoAnswer
from ticketing.telemetry import spans
from ticketing.telemetry.export import exporting

KEY = "planted-key-0123456789"
MESSAGES = ({"role": "user", "content": "planted-prompt"},)
DEADLINE_SECONDS = 120


class Site:
    """A server on loopback that keeps every request."""

    def __init__(self, answer: Callable[[web.Request], web.Response]) -> None:
        self._answer = answer
        self.requests: list[web.Request] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        return self._answer(request)


Serve = Callable[[Callable[[web.Request], web.Response]], Awaitable[Site]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.ServerRunner] = []

    async def serve(answer: Callable[[web.Request], web.Response]) -> Site:
        site = Site(answer)
        runner = web.ServerRunner(web.Server(site.handle))  # type: ignore[arg-type]
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        site.url = f"http://{host}:{port}"
        return site

    yield serve
    for runner in runners:
        await runner.cleanup()


async def by_platform(url: str) -> None:
    network = Network(timeout=30)
    try:
        await network.exchange(
            "POST", url, payload=b"{}", headers={"Authorization": KEY}, params=None
        )
    except Failed:
        pass
    finally:
        await network.close()


async def by_heartbeat(url: str) -> None:
    await heartbeat._get(f"{url}/{KEY}")


async def by_client(url: str) -> None:
    with contextlib.suppress(TicketingError):
        async with Client(url, KEY) as client:
            await client.act("0123456789abcdef-0123456789abcdef", "acknowledge")


async def by_status(url: str) -> None:
    await worker_figures.ask([url], KEY)


async def by_kafka_tokens(url: str) -> None:
    with pytest.raises(KafkaConnectionError):
        await ClientTokens(url, "client", KEY, None).token()


async def by_traces(url: str) -> None:
    def export() -> None:
        with (
            exporting("slack", url, {"x-key": KEY}, {}),
            spans.calling("slack", "create", "id-1", None),
        ):
            pass

    await asyncio.to_thread(export)


def provider_of(url: str) -> Provider:
    oidc = Oidc(issuer=url, client_id="ticketing", client_secret=SecretStr(KEY))
    return Provider(oidc, "https://tickets.example/callback")


async def by_sign_in(url: str) -> None:
    with pytest.raises(Unavailable):
        await provider_of(url).sign_in_url("state", "nonce", "verifier")


def by_model(provider: str, model: str) -> Callable[[str], Awaitable[None]]:
    async def ask(url: str) -> None:
        section = {"provider": provider, "model": model, "apiKey": KEY, "endpoint": url}
        models = Models(Config.model_validate({"llm": section}).llm)
        with pytest.raises(NoAnswer):
            await models.ask(MESSAGES, lambda text: text)

    return ask


CLIENTS: dict[str, Callable[[str], Awaitable[None]]] = {
    "platform": by_platform,
    "heartbeat": by_heartbeat,
    "client": by_client,
    "status": by_status,
    "kafka tokens": by_kafka_tokens,
    "traces": by_traces,
    "oidc": by_sign_in,
    "openai": by_model("openai", "gpt-4"),
    "anthropic": by_model("anthropic", "claude-3-haiku-20240307"),
    "ollama": by_model("ollama", "llama3"),
    "gemini": by_model("gemini", "gemini-1.5-flash"),
    "mistral": by_model("mistral", "mistral-small"),
    "cohere": by_model("cohere", "command-r"),
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", CLIENTS)
async def test_no_client_follows_a_redirect(serve: Serve, name: str, status: int) -> None:
    stranger = await serve(lambda request: web.Response(text="{}"))
    asked = await serve(
        lambda request: web.Response(
            status=status, headers={"Location": f"{stranger.url}{request.path_qs}"}
        )
    )
    await asyncio.wait_for(CLIENTS[name](asked.url), DEADLINE_SECONDS)
    assert asked.requests
    assert stranger.requests == []


@pytest.mark.parametrize("name", CLIENTS)
async def test_no_client_reads_netrc(
    serve: Serve, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login someone password planted-password\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    asked = await serve(lambda request: web.Response(status=500))
    await asyncio.wait_for(CLIENTS[name](asked.url), DEADLINE_SECONDS)
    assert asked.requests
    pair = base64.b64encode(b"someone:planted-password").decode()
    sent = [str(dict(request.headers)) for request in asked.requests]
    assert not [headers for headers in sent if pair in headers or "planted-password" in headers]


@pytest.mark.parametrize("name", ["platform", "heartbeat", "kafka tokens", "oidc"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
async def test_a_proxy_is_used_on_purpose(
    serve: Serve, name: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD"):
        monkeypatch.delenv(other, raising=False)
    proxy = await serve(lambda request: web.Response(text="{}"))
    monkeypatch.setenv(variable, proxy.url.replace("://", "://someone:secret@"))
    await CLIENTS[name]("http://platform.example/path")
    assert proxy.requests[0].raw_path.startswith("http://platform.example/path")
    pair = base64.b64encode(b"someone:secret").decode()
    assert proxy.requests[0].headers["Proxy-Authorization"] == f"Basic {pair}"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    before: list[Any] = list(proxy.requests)
    direct = await serve(lambda request: web.Response(text="{}"))
    await CLIENTS[name](direct.url)
    assert direct.requests
    assert proxy.requests == before
