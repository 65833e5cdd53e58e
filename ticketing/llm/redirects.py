"""Keeps the clients of language models from following redirects, which would take the prompt along.

litellm makes clients of httpx for each provider, all of which follow redirects by default; for most
of them there is no option, and a redirect within one host takes the key along, too.
"""

from __future__ import annotations

from typing import Any


def forbid() -> None:
    """Let no client of httpx in this process follow a redirect. Safe to repeat."""
    import httpx

    for client in (httpx.Client, httpx.AsyncClient):
        _answer_with_the_redirect(client)


def _answer_with_the_redirect(client: Any) -> None:
    follow = client._send_handling_redirects
    if getattr(follow, "forbidden", False):
        return

    def send(self: Any, request: Any, follow_redirects: bool, history: Any) -> Any:
        return follow(self, request, follow_redirects=False, history=history)

    send.forbidden = True  # type: ignore[attr-defined]
    client._send_handling_redirects = send
