"""Every way out is scrubbed as configured, by one function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from support.every_field import whole
from support.incidents import incident
from support.planted import LINE, PLANTED, leaked

from ticketing import privacy
from ticketing.config import Config, validate
from ticketing.domain.alerts.alert import Alert
from ticketing.domain.incidents.incident import Incident
from ticketing.errors import Misconfigured
from ticketing.privacy import LOOKED_UP, MACHINE_MADE, scrubbed, scrubber


def planted(value: Any) -> Any:
    """The value with every text replaced by a line full of secrets."""
    if type(value) is str:
        return LINE
    if isinstance(value, (list, tuple)):
        return type(value)(map(planted, value))
    if isinstance(value, dict):
        return {key: planted(part) for key, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: planted(getattr(value, one.name)) for one in fields(value)}
        return type(value)(**parts)
    return value


def texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value, with the name of its field; within machine-made ones with theirs."""
    if type(value) is str:
        yield place, value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from texts(part, place)
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts(part, place)
    elif is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            whole_part = place if place in MACHINE_MADE else one.name
            yield from texts(getattr(value, one.name), whole_part)


@pytest.mark.parametrize("kind", [Incident, Alert])
@pytest.mark.parametrize("but", [MACHINE_MADE, LOOKED_UP])
def test_every_text_of_a_record_is_scrubbed_but_what_machines_made(
    kind: type, but: frozenset[str]
) -> None:
    shown = list(texts(scrubbed(planted(whole(kind)), scrubber(), but)))
    assert len({name for name, _ in shown}) > 10
    assert {name for name, text in shown if leaked(text)} <= but


def test_a_record_without_secrets_is_the_very_same() -> None:
    one = incident()
    assert scrubbed(one, scrubber()) is one


@pytest.mark.parametrize(
    "name", ["checkout-Zk9qP3rT7vXy2bNc5mLk8jHg4fDs1aQw", "10.1.2.3", "00:1A:2B:3C:4D:5E"]
)
def test_a_name_that_looks_like_an_address_or_a_token_stays_a_name(name: str) -> None:
    one = replace(incident(), service=name, tenant=name, environment=name)
    assert scrubber()(name) != name
    assert scrubbed(one, scrubber()) is one


@pytest.mark.parametrize("secret", ["jane@corp.example", "own-secret 10.1.2.3", "password=hunter2"])
def test_a_name_that_holds_a_secret_does_not_stay(secret: str) -> None:
    one = replace(incident(), tenant=secret)
    assert scrubbed(one, scrubber(["own-secret"])).tenant != secret


def test_secrets_of_this_installation_go_in_any_form() -> None:
    assert scrubber(["own secret/1"])("told own%20secret%2F1 to all") == "told **** to all"


ON_AND_OFF = {
    "tickets": lambda config: privacy.for_tickets(config, "jira"),
    "storage": privacy.for_storage,
    "api": privacy.for_view,
}


@pytest.mark.parametrize("place", ON_AND_OFF)
@pytest.mark.parametrize("on", [True, False])
def test_each_place_is_scrubbed_as_configured(place: str, on: bool) -> None:
    config = validate({"privacy": {"scrub": {place: on}}})
    found = ON_AND_OFF[place](config)
    assert (found is not None) == on
    assert found is None or not leaked(found(LINE))


def test_tickets_and_prompts_are_scrubbed_by_default_and_the_rest_by_choice() -> None:
    config = Config()
    scrub = privacy.for_tickets(config, "slack")
    assert scrub is not None
    assert not leaked(scrub(LINE))
    assert not leaked(privacy.for_prompts(config)(LINE))
    assert privacy.for_storage(config) is None
    assert privacy.for_view(config) is None


def test_one_platform_may_have_its_own_way() -> None:
    config = validate({"privacy": {"scrub": {"tickets": False, "platforms": {"slack": True}}}})
    assert privacy.for_tickets(config, "jira") is None
    assert privacy.for_tickets(config, "slack") is not None


def test_kinds_that_are_to_stay_stay_on_tickets_and_never_in_prompts() -> None:
    config = validate({"privacy": {"scrub": {"keep": ["email"]}}})
    scrub = privacy.for_tickets(config, "jira")
    assert scrub is not None
    assert scrub(f"{PLANTED['email']} of 10.1.2.3") == f"{PLANTED['email']} of [ip]"
    assert privacy.for_prompts(config)(PLANTED["email"]) == "[email]"


def test_prompts_without_scrubbing_still_lose_our_own_secrets() -> None:
    config = validate(
        {
            "privacy": {"scrub": {"summaries": False}},
            "llm": {"provider": "openai", "model": "m", "apiKey": "our-own-key"},
        }
    )
    assert (
        privacy.for_prompts(config)(f"our-own-key {PLANTED['email']}") == f"**** {PLANTED['email']}"
    )


@pytest.mark.parametrize(
    ("given", "named"),
    [({"keep": ["emails"]}, "privacy.scrub.keep"), ({"platforms": {"jirra": True}}, "jirra")],
)
def test_an_unknown_kind_or_platform_stops_the_start(given: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        validate({"privacy": {"scrub": given}})


def test_names_of_the_configuration_stay_on_tickets() -> None:
    """By a name that is left out a page would go to another service's people."""
    name, other = "billing@eu.example.org", "203.0.113.9"
    settings = {
        "pagerduty": {"services": {name: "k" * 32}},
        "jira": {"projects": {"tenants": {other: "OPS"}}},
    }
    config = Config.model_validate(settings)
    pages, issues = privacy.for_tickets(config, "pagerduty"), privacy.for_tickets(config, "jira")
    assert pages is not None
    assert issues is not None
    assert [pages(name), pages(other)] == [name, "[ip]"]
    assert [issues(name), issues(other)] == ["[email]", other]
    assert pages(f"{name} failed") == "[email] failed"
