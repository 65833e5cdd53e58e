"""Sign-in at a provider: code, PKCE, state and nonce; a session is a cookie that scripts can't read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientResponse
from joserfc.jwk import RSAKey
from support.access import bearer
from support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from yarl import URL

from tests.unit.api.conftest import make_incident
from tests.unit.api.test_audit import Audit
from ticketing.api.door import Door, provider_of
from ticketing.api.security import CALLBACK_PATH, PREFIX
from ticketing.config import Config
from ticketing.domain.access.attempts import FREE_FAILURES
from ticketing.domain.access.audit import Outcome

PUBLIC = "http://127.0.0.1:8080"
REDIRECT = f"{PUBLIC}{CALLBACK_PATH}"
ID = make_incident(1).id


@pytest.fixture
async def idp() -> AsyncIterator[OidcProvider]:
    async with OidcProvider(REDIRECT) as found:
        yield found


@pytest.fixture
async def api(start: Any, idp: OidcProvider) -> Any:
    return await started(start, idp)


async def started(
    start: Any,
    idp: OidcProvider,
    public: str = PUBLIC,
    *,
    web: dict[str, Any] | None = None,
    **door: Any,
) -> Any:
    oidc = {
        "issuer": idp.issuer,
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "roleMap": {"sre": "responder"},
    }
    config = {"access": {"oidc": oidc}, "web": {"publicUrl": public, **(web or {})}}
    known = Config.model_validate(config)
    api = await start(config, door=Door(known, people=provider_of(known), **door))
    await api.put(make_incident(1))
    return api


async def get(api: Any, path: str, **options: Any) -> ClientResponse:
    answer: ClientResponse = await api.client.get(path, allow_redirects=False, **options)
    await answer.read()
    return answer


async def begun(api: Any) -> URL:
    """The address of the provider's page."""
    answer = await get(api, "/api/v1/session/begin")
    assert answer.status == 302
    return URL(answer.headers["Location"], encoded=True)


async def returned(api: Any, url: URL) -> str:
    """The path to which the provider sends the browser back."""
    async with api.client.session.get(url, allow_redirects=False) as answer:
        assert answer.status == 302, await answer.text()
        back = answer.headers["Location"]
    assert urlsplit(back).path.endswith(CALLBACK_PATH)
    return back.removeprefix(PUBLIC)


async def test_a_person_signs_in_and_acts_under_the_providers_name(
    api: Any, idp: OidcProvider
) -> None:
    assert (await api.get("/api/v1/session"))[1] == {"signIn": "api/v1/session/begin"}
    assert (await api.get("/api/v1/me"))[0] == 401
    answer = await get(api, await returned(api, await begun(api)))
    assert (answer.status, answer.headers["Location"]) == (302, f"{PUBLIC}/")
    kept = answer.cookies["ticketing-session"]
    assert (kept["httponly"], kept["samesite"], kept["path"]) == (True, "Strict", "/")
    _, me = await api.get("/api/v1/me")
    assert (me["name"], me["role"], me["kind"]) == ("ada@corp.example", "responder", "person")
    await api.post(f"/api/incidents/{ID}/resolve", {"by": "ceo@corp.example"})
    assert [command.by for command in api.writer.received] == ["ada@corp.example"]
    assert idp.refused == []
    await api.post("/api/v1/session/end")
    assert (await api.get("/api/v1/me"))[0] == 401


async def test_a_session_is_of_no_use_to_another_origins_page(api: Any) -> None:
    await get(api, await returned(api, await begun(api)))
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await api.post(f"/api/incidents/{ID}/resolve", headers=evil))[0] == 403
    assert api.writer.received == []


async def test_the_providers_page_may_lead_back(api: Any) -> None:
    back = await returned(api, await begun(api))
    headers = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    assert (await get(api, back, headers=headers)).status == 302


async def test_a_bearer_of_the_providers_token_is_let_in(api: Any, idp: OidcProvider) -> None:
    for claims, status in (({}, 200), ({"aud": "another"}, 401)):
        headers = {"Authorization": f"Bearer {idp.token(**claims)}"}
        assert (await api.get("/api/v1/me", headers=headers))[0] == status


async def test_a_sign_in_that_was_not_begun_here_is_refused(api: Any, idp: OidcProvider) -> None:
    back = await returned(api, await begun(api))
    api.client.session.cookie_jar.clear()
    assert (await get(api, back)).status == 403
    mine, other = await begun(api), back
    assert (await get(api, other)).status == 403
    given = parse_qs(urlsplit(await returned(api, mine)).query)
    state, code = given["state"][0], given["code"][0]
    for query in ("", f"state={state}", f"state={state}&code=made-up", f"state=x&code={code}"):
        assert (await get(api, f"{CALLBACK_PATH}?{query}")).status == 403, query
    assert (await api.get("/api/v1/me"))[0] == 401


async def test_a_code_is_good_once(api: Any) -> None:
    back = await returned(api, await begun(api))
    jar = api.client.session.cookie_jar
    kept = {cookie.key: cookie.value for cookie in jar}
    assert (await get(api, back)).status == 302
    jar.clear()
    jar.update_cookies(kept, api.client.make_url("/"))
    assert (await get(api, back)).status == 403


@pytest.mark.parametrize("claims", [{"nonce": "another"}, {"roles": ["cook"]}, {"iss": "x"}])
async def test_a_token_for_another_sign_in_or_person_is_refused(
    api: Any, idp: OidcProvider, claims: dict[str, Any]
) -> None:
    url = await begun(api)
    idp.person |= claims
    answer = await get(api, await returned(api, url))
    assert answer.status == 403
    assert "ticketing-session" not in answer.cookies


async def test_over_https_cookies_belong_to_the_host_alone(start: Any, idp: OidcProvider) -> None:
    api = await started(start, idp, "https://ops.example")
    answer = await get(api, "/api/v1/session/begin")
    [(name, kept)] = answer.cookies.items()
    assert name.startswith("__Host-")
    assert (kept["secure"], kept["samesite"], kept["domain"]) == (True, "Lax", "")


async def test_without_a_provider_there_is_no_sign_in(start: Any) -> None:
    api = await start()
    assert (await api.get("/api/v1/session"))[1] == {"signIn": None}
    assert (await api.get("/api/v1/session/begin"))[0] == 404


async def test_forged_tokens_of_a_provider_lock_nobody_out(start: Any, idp: OidcProvider) -> None:
    """The tokens of a provider all begin alike, and behind a proxy all have its address."""
    api = await started(start, idp, steady=lambda: 0.0, web={"token": "correct-horse-battery"})
    forged = idp.token(key=RSAKey.generate_key(2048, {"kid": idp.keys[0].kid}))
    for token, status in (
        *[(forged, 401)] * FREE_FAILURES,
        (forged, 429),
        (idp.token(), 200),
        ("correct-horse-battery", 200),
        *[("guess", 401)] * FREE_FAILURES,
        ("guess", 429),
        (idp.token(sub="u-2"), 200),
    ):
        assert (await api.get("/api/v1/me", headers=bearer(token)))[0] == status


async def test_a_sign_in_is_noted_in_the_audit(start: Any, idp: OidcProvider) -> None:
    audit = Audit()
    api = await started(start, idp, audit=audit)
    await get(api, await returned(api, await begun(api)))
    assert [(one.who, one.route, one.outcome) for one in audit.entries] == [
        ("ada@corp.example", f"GET {CALLBACK_PATH}", Outcome.DONE)
    ]
    await get(api, f"{CALLBACK_PATH}?state=x&code=y")
    assert len(audit.entries) == 1, "strangers could write as many as they like"


async def test_people_sign_in_under_the_second_prefix_too(start: Any, idp: OidcProvider) -> None:
    public = f"{PUBLIC}{PREFIX}"
    idp.redirect_uri = f"{public}{CALLBACK_PATH}"
    api = await started(start, idp, public)
    answer = await get(api, f"{PREFIX}/api/v1/session/begin")
    url = URL(answer.headers["Location"], encoded=True)
    back = await returned(api, url)
    assert back.startswith(PREFIX)
    headers = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    answer = await get(api, back, headers=headers)
    assert (answer.status, answer.headers["Location"]) == (302, f"{public}/")
