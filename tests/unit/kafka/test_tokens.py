"""Tokens of client credentials: asked for once in their life, and refused in words without secrets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aiokafka.errors import KafkaConnectionError
from support.requirements import free_port
from support.tokens import CLIENT_ID, CLIENT_SECRET, LIFE_SECONDS, SCOPE, IdentityProvider

from ticketing.kafka.tokens import ClientTokens


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider() as found:
        yield found


async def test_a_token_is_kept_for_most_of_its_life(provider: IdentityProvider) -> None:
    clock = Clock()
    tokens = ClientTokens(provider.url, CLIENT_ID, CLIENT_SECRET, SCOPE, clock)
    first = await tokens.token()
    clock.now += 0.8 * LIFE_SECONDS - 1
    assert await tokens.token() == first
    assert provider.asked == 1
    clock.now += 1
    assert await tokens.token()
    assert provider.asked == 2


@pytest.mark.parametrize(
    ("secret", "scope", "said"), [("wrong", SCOPE, "HTTP 401"), (CLIENT_SECRET, None, "HTTP 400")]
)
async def test_a_refusal_names_the_settings_and_no_secret(
    provider: IdentityProvider, secret: str, scope: str | None, said: str
) -> None:
    tokens = ClientTokens(provider.url, CLIENT_ID, secret, scope)
    with pytest.raises(KafkaConnectionError, match=said) as raised:
        await tokens.token()
    assert "kafka.password" in str(raised.value)
    assert secret not in str(raised.value)


async def test_a_provider_that_is_away_is_told() -> None:
    tokens = ClientTokens(f"http://127.0.0.1:{free_port()}", CLIENT_ID, CLIENT_SECRET, SCOPE)
    with pytest.raises(KafkaConnectionError, match=r"kafka\.tokenUrl: ClientConnectorError"):
        await tokens.token()
