"""The address of a sender: only proxies that are trusted may name it."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict
from support.access import Keys, bearer

from ticketing.api.problems import Problem
from ticketing.api.security import require_own_machine
from ticketing.api.senders import HOPS_MAX, sender_address
from ticketing.config import validate
from ticketing.domain.access.attempts import FREE_FAILURES
from ticketing.errors import Misconfigured

PROXIES = ["10.0.0.0/8", "2001:db8:1::/48"]
TOKEN = "correct-horse-battery"


class Transport:
    def __init__(self, peer: str) -> None:
        self._peer = (peer, 4711)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._peer if name == "peername" else default


def address(peer: str, *forwarded: str, proxies: list[str] | None = None) -> str:
    headers = CIMultiDict([("X-Forwarded-For", text) for text in forwarded])
    request = make_mocked_request("GET", "/", headers=headers, transport=Transport(peer))
    config = validate({"web": {"trustedProxies": PROXIES if proxies is None else proxies}})
    return sender_address(request, config)


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.9", ["198.51.100.7"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.7:5555"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8::7]:5555"], "2001:db8::7"),
        ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, "], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("2001:db8:1::1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7," + "10.0.0.2," * HOPS_MAX + "10.0.0.3"], "10.0.0.2"),
        ("10.0.0.1", ["x" * 4000], "10.0.0.1"),
    ],
)
def test_the_last_address_that_is_no_proxy_is_the_senders(
    peer: str, forwarded: list[str], found: str
) -> None:
    assert address(peer, *forwarded) == found


def test_nobody_is_trusted_by_default() -> None:
    assert address("10.0.0.1", "198.51.100.7", proxies=[]) == "10.0.0.1"


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "proxy.example", ""])
def test_a_proxy_is_an_address_or_a_network(wrong: str) -> None:
    with pytest.raises(
        Misconfigured, match=r"web\.trustedProxies.*must be an address or a network"
    ):
        validate({"web": {"trustedProxies": [wrong]}})


async def test_a_guesser_behind_a_proxy_slows_nobody_else_down(start: Any) -> None:
    config = {"web": {"token": TOKEN, "trustedProxies": ["127.0.0.1"]}}
    api = await start(config, door=Keys().door(config, steady=lambda: 0.0))

    async def asked(sender: str, token: str, own_words: str = "192.0.2.1") -> int:
        headers = {**bearer(token), "X-Forwarded-For": f"{own_words}, {sender}"}
        return int((await api.get("/api/v1/me", headers=headers))[0])

    for number in range(FREE_FAILURES):
        assert await asked("203.0.113.9", f"{number}-guess", f"192.0.2.{number}") == 401
    assert await asked("203.0.113.9", "x-guess", "8.8.8.8") == 429
    assert await asked("198.51.100.7", "wrong") == 401
    assert await asked("198.51.100.7", TOKEN) == 200


@pytest.mark.parametrize("peer", ["198.51.100.7", "::ffff:198.51.100.7"])
def test_where_nobody_is_asked_a_far_proxys_word_opens_nothing(peer: str) -> None:
    config = validate({"web": {"trustedProxies": ["198.51.100.0/24"]}})
    near = {"X-Forwarded-For": "127.0.0.1"}
    request = make_mocked_request("GET", "/", headers=near, transport=Transport(peer))
    with pytest.raises(Problem) as refused:
        require_own_machine(request, config)
    assert refused.value.status == 403


async def test_where_nobody_is_asked_a_proxys_client_is_on_another_machine(start: Any) -> None:
    config = {"web": {"trustedProxies": ["127.0.0.1"]}}
    api = await start(config, door=Keys().door(config))
    assert (await api.get("/api/v1/me"))[0] == 200
    far = {"X-Forwarded-For": "198.51.100.7"}
    assert (await api.get("/api/v1/me", headers=far))[0] == 403
