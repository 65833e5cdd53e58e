"""Tokens of a provider: verified by its keys alone, for this client and this time."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider

from ticketing.access.oidc import AGAIN_SECONDS, KEPT_SECONDS, STALE_SECONDS_MAX, Provider
from ticketing.config.access import Oidc
from ticketing.domain.access.principal import Kind, Role
from ticketing.errors import Unavailable

REDIRECT = "http://127.0.0.1:8080/api/v1/session/callback"


@pytest.fixture
async def idp() -> AsyncIterator[OidcProvider]:
    async with OidcProvider(REDIRECT) as found:
        yield found


def oidc(issuer: str, **settings: Any) -> Oidc:
    given = {
        "issuer": issuer,
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "roleMap": {"sre": "responder"},
    }
    return Oidc.model_validate({**given, **settings})


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_token_of_the_provider_is_a_person(idp: OidcProvider) -> None:
    person = await Provider(oidc(idp.issuer), REDIRECT).person(idp.token())
    assert person is not None
    assert (person.name, person.role, person.kind) == (
        "ada@corp.example",
        Role.RESPONDER,
        Kind.PERSON,
    )
    assert person.tenants is None


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": ["another"]},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"nbf": int(time.time()) + 600},
        {"iat": None},
        {"sub": None},
        {"roles": ["cook"]},
        {"roles": None},
        {"roles": {"sre": True}},
    ],
)
async def test_other_claims_are_nobody(idp: OidcProvider, claims: dict[str, Any]) -> None:
    assert await Provider(oidc(idp.issuer), REDIRECT).person(idp.token(**claims)) is None


def unsigned(idp: OidcProvider) -> str:
    _, claims, _ = idp.token().split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    return f"{head}.{claims}."


def by_the_public_key(idp: OidcProvider) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "first"}).encode())
    signed = b".".join([head.rstrip(b"="), idp.token().split(".")[1].encode()])
    digest = hmac.digest(idp.public_pem(), signed, "sha256")
    return b".".join([signed, base64.urlsafe_b64encode(digest).rstrip(b"=")]).decode()


def by_a_strangers_key(idp: OidcProvider) -> str:
    return idp.token(key=RSAKey.generate_key(2048, {"kid": idp.keys[0].kid}))


def with_its_own_key(idp: OidcProvider) -> str:
    key = RSAKey.generate_key(2048, {"kid": "own"})
    return idp.token({"kid": "own", "jwk": key.as_dict(private=False)}, key)


def with_other_claims(idp: OidcProvider) -> str:
    head, _, signature = idp.token().split(".")
    return ".".join([head, idp.token(roles=["sre", "root"]).split(".")[1], signature])


@pytest.mark.parametrize(
    "forged",
    [unsigned, by_the_public_key, by_a_strangers_key, with_its_own_key, with_other_claims],
)
async def test_a_forged_token_is_nobody(idp: OidcProvider, forged: Any) -> None:
    assert await Provider(oidc(idp.issuer), REDIRECT).person(forged(idp)) is None


@pytest.mark.parametrize("token", ["", "..", "a.b.c", "é.é.é", "x" * 10_000, "[" * 5000])
async def test_other_text_is_nobody(idp: OidcProvider, token: str) -> None:
    assert await Provider(oidc(idp.issuer), REDIRECT).person(token) is None


async def test_a_rotated_key_is_fetched_and_unknown_ones_ask_once_in_a_while(
    idp: OidcProvider,
) -> None:
    steady = Clock()
    provider = Provider(oidc(idp.issuer), REDIRECT, steady=steady)
    assert await provider.person(idp.token()) is not None
    before = idp.token()
    idp.rotate()
    for _ in range(5):
        assert await provider.person(idp.token()) is None
    assert idp.key_reads == 1
    steady.now += AGAIN_SECONDS + 1
    assert await provider.person(idp.token()) is not None
    assert await provider.person(before) is None
    assert idp.key_reads == 2


async def test_roles_names_and_tenants_come_from_claims(idp: OidcProvider) -> None:
    settings = {
        "roleMap": {"sre": "responder", "lead": "admin"},
        "tenantsClaim": "teams",
        "audiences": ["api"],
    }
    provider = Provider(oidc(idp.issuer, **settings), REDIRECT)
    token = idp.token(roles=["sre", "lead"], teams=["a", "b", "a"], aud="api", email_verified=False)
    person = await provider.person(token)
    assert person is not None
    assert (person.name, person.role, person.tenants) == ("u-1", Role.ADMIN, ("a", "b"))
    assert await provider.person(idp.token(teams=[])) is None
    assert await provider.person(idp.token()) is None


@pytest.mark.parametrize(
    "name",
    ["token:portal", "Web.Token", "slack:ada (U0123)", "cli:root", "ceo via token:x", "local"],
)
async def test_a_chosen_name_is_not_taken_for_a_programs(idp: OidcProvider, name: str) -> None:
    provider = Provider(oidc(idp.issuer, nameClaim="preferred_username"), REDIRECT)
    person = await provider.person(idp.token(preferred_username=f"\u200b{name}\n"))
    assert person is not None
    assert person.name == f"person:{name}"


async def test_everybody_may_have_a_role(idp: OidcProvider) -> None:
    provider = Provider(oidc(idp.issuer, roleMap={}, defaultRole="viewer"), REDIRECT)
    person = await provider.person(idp.token(roles=None))
    assert person is not None
    assert person.role is Role.VIEWER


async def test_a_provider_that_is_not_the_issuer_is_not_asked_further(idp: OidcProvider) -> None:
    with pytest.raises(Unavailable, match="issuer"):
        await Provider(oidc(f"{idp.issuer}/"[:-1] + "/realm"), REDIRECT).person(idp.token())
    assert idp.key_reads == 0


async def test_a_provider_that_is_away_is_said_to_be() -> None:
    with pytest.raises(Unavailable, match="OIDC"):
        await Provider(oidc("http://127.0.0.1:9"), REDIRECT).person("a.b.c")


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "EC", "crv": "P-of-tomorrow", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "RSA", "n": 1, "e": "AQAB"},
        {"kty": ["RSA"]},
        {},
        "text",
    ],
)
async def test_a_key_that_cannot_be_read_hides_no_other(idp: OidcProvider, key: Any) -> None:
    idp.further_keys = [key]
    assert await Provider(oidc(idp.issuer), REDIRECT).person(idp.token()) is not None


async def test_people_stay_while_the_provider_is_away_for_a_day_at_most(idp: OidcProvider) -> None:
    steady = Clock()
    provider = Provider(oidc(idp.issuer), REDIRECT, steady=steady)
    assert await provider.person(idp.token()) is not None
    idp.keys_status = 503
    for waited in (KEPT_SECONDS + 1, AGAIN_SECONDS + 1):
        steady.now += waited
        assert await provider.person(idp.token()) is not None
    steady.now += STALE_SECONDS_MAX
    with pytest.raises(Unavailable, match="OIDC"):
        await provider.person(idp.token())


async def test_tokens_of_unknown_keys_do_not_ask_a_provider_that_is_away_all_the_time(
    idp: OidcProvider,
) -> None:
    steady = Clock()
    provider = Provider(oidc(idp.issuer), REDIRECT, steady=steady)
    assert await provider.person(idp.token()) is not None
    idp.keys_status = 503
    steady.now += AGAIN_SECONDS + 1
    for _ in range(5):
        with pytest.raises(Unavailable, match="OIDC"):
            await provider.person(by_a_strangers_key(idp))
        assert await provider.person(idp.token()) is not None
    assert idp.key_reads == 2


async def test_an_old_session_asks_the_provider_for_nothing(idp: OidcProvider) -> None:
    steady = Clock()
    provider = Provider(oidc(idp.issuer), REDIRECT, steady=steady)
    assert await provider.person(idp.token()) is not None
    steady.now += AGAIN_SECONDS + 1
    idp.keys_status = 503
    assert await provider.person(idp.token(exp=int(time.time()) - 60)) is None
    assert idp.key_reads == 1
