"""A stand-in for an OpenAI-style endpoint, over real HTTP on loopback, with its failure modes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

ANSWER: dict[str, Any] = {
    "title": "Payments time out at the card gateway",
    "summary": "Checkout cannot charge cards because the card gateway does not answer in time.",
    "root_cause": "The card gateway answers no request since its deployment.",
    "impact": "Customers cannot pay.",
    "steps": ["Look at the card gateway's latest deployment", "Roll it back"],
    "severity": "high",
    "tags": ["payments", "timeout"],
}
PROMPT_TOKENS, ANSWER_TOKENS = 1000, 200
HUGE_CHARACTERS = 100_000

Behaviour = Callable[["Llm", web.Request], Any]


def completion(content: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": ANSWER_TOKENS,
            "total_tokens": PROMPT_TOKENS + ANSWER_TOKENS,
        },
    }


def answers(content: Any = ANSWER) -> Behaviour:
    """Answer with this content: text as it is, anything else as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)

    async def answer(llm: Llm, request: web.Request) -> web.Response:
        return web.json_response(completion(text))

    return answer


def cut_off(content: str | None) -> Behaviour:
    """Answer as far as the longest length went, which may be nothing at all."""

    async def answer(llm: Llm, request: web.Request) -> web.Response:
        body = completion(content or "")
        body["choices"][0] |= {"finish_reason": "length"}
        body["choices"][0]["message"]["content"] = content
        return web.json_response(body)

    return answer


def refuses(status: int, retry_after: int | None = None) -> Behaviour:
    """Refuse with a status, as OpenAI words it."""

    async def answer(llm: Llm, request: web.Request) -> web.Response:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        error = {"message": f"refused with {status}", "type": "error", "code": str(status)}
        return web.json_response({"error": error}, status=status, headers=headers)

    return answer


async def hangs(llm: Llm, request: web.Request) -> web.Response:
    """Never answer, until released."""
    await llm.released.wait()
    return web.json_response(completion(json.dumps(ANSWER)))


async def drips(llm: Llm, request: web.Request) -> web.StreamResponse:
    """Answer a byte now and then, for ever: no single read ever times out."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionResetError):
        while not llm.released.is_set():
            await response.write(b" ")
            await asyncio.sleep(0.05)
    return response


async def garbles(llm: Llm, request: web.Request) -> web.Response:
    """Answer 200 with something that is no JSON at all."""
    return web.Response(body=b"<html>upstream error</html>", content_type="application/json")


@dataclass
class Llm:
    """What it was asked, and how it is to answer."""

    url: str = ""
    behaviour: Behaviour = field(default_factory=answers)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def endpoint(self) -> str:
        """What stands in `llm.endpoint`."""
        return f"{self.url}/v1"

    @property
    def prompts(self) -> list[str]:
        """Everything that was sent as text, a string per request."""
        return ["\n".join(m["content"] for m in r["messages"]) for r in self.requests]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        self.requests.append(await request.json())
        self.keys.append(request.headers.get("Authorization", ""))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            answer: web.StreamResponse = await self.behaviour(self, request)
            return answer
        finally:
            self.under_way -= 1

    async def handle_ollama(self, request: web.Request) -> web.StreamResponse:
        """POST /api/chat, as Ollama answers it."""
        self.requests.append(await request.json())
        return web.json_response(
            {
                "model": "llama3",
                "created_at": "2026-01-01T00:00:00Z",
                "message": {"role": "assistant", "content": json.dumps(ANSWER)},
                "done": True,
                "done_reason": "stop",
                "prompt_eval_count": PROMPT_TOKENS,
                "eval_count": ANSWER_TOKENS,
            }
        )


@asynccontextmanager
async def llm(behaviour: Behaviour | None = None) -> AsyncIterator[Llm]:
    """A running stand-in."""
    standing = Llm(behaviour=behaviour or answers())
    app = web.Application()
    app.router.add_post("/v1/chat/completions", standing.handle)
    app.router.add_post("/api/chat", standing.handle_ollama)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    standing.url = f"http://{host}:{port}"
    try:
        yield standing
    finally:
        standing.released.set()
        await runner.cleanup()


class LlmServer:
    """The stand-in in a thread of its own, for tests of whole workers. Use it as a context."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self._behaviour = behaviour
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.llm: Llm

    def __enter__(self) -> LlmServer:
        self._thread.start()
        self._context = llm(self._behaviour)
        self.llm = self._run(self._context.__aenter__())
        return self

    def __exit__(self, *exc: object) -> None:
        self._run(self._context.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def release(self, behaviour: Behaviour | None = None) -> None:
        """Let what hangs go on, and answer like this from now on."""
        self.llm.behaviour = behaviour or answers()
        self._loop.call_soon_threadsafe(self.llm.released.set)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)
