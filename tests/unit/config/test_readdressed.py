"""A changed address needs its secrets again, on every platform."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.planted_settings import planted

from ticketing.config import PLATFORMS, Config, apply_patch, explicit, in_effect, validate
from ticketing.errors import Misconfigured

TREE = {name: section for name, section in planted().items() if name in PLATFORMS}
CONFIG = validate(TREE)
ELSEWHERE = "https://elsewhere.example"
KEYS = [
    (name, key)
    for name in PLATFORMS
    for key in (field.alias or n for n, field in type(CONFIG.platform(name)).model_fields.items())
    if key in ("baseUrl", "apiUrl", "restUrl", "instanceUrl")
]


def secret_keys(name: str) -> set[str]:
    shown, given = in_effect(CONFIG)[name], explicit(CONFIG)[name]
    return {key for key, item in given.items() if shown[key] != item and not key.endswith("Url")}


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_an_address_changes_with_its_secrets_or_not_at_all(name: str, key: str) -> None:
    secrets = secret_keys(name)
    assert secrets
    shown = {**in_effect(CONFIG)[name], key: ELSEWHERE}
    for patch in (
        {key: ELSEWHERE},
        {secret: shown[secret] for secret in secrets} | {key: ELSEWHERE},
    ):
        with pytest.raises(Misconfigured) as refused:
            apply_patch(CONFIG, "platforms", {name: patch})
        named = {re.match(rf"{name}\.(\w+)", problem)[1] for problem in refused.value.problems}  # type: ignore[index]
        assert named == secrets
    given = {secret: explicit(CONFIG)[name][secret] for secret in secrets}
    changed = apply_patch(CONFIG, "platforms", {name: {key: ELSEWHERE, **given}})
    assert str(explicit(changed)[name][key]) == ELSEWHERE


@pytest.mark.parametrize("name", PLATFORMS)
def test_an_address_that_stays_keeps_the_masked_secrets(name: str) -> None:
    shown = {key: item for key, item in in_effect(CONFIG)[name].items() if key in TREE[name]}
    changed = apply_patch(CONFIG, "platforms", {name: {**shown, "timeout": "3s"}})
    assert explicit(changed)[name] == {**explicit(CONFIG)[name], "timeout": 3}


@pytest.mark.parametrize("change", [{"endpoint": ELSEWHERE}, {"provider": "anthropic"}])
def test_a_model_elsewhere_needs_its_key_again(change: dict[str, Any]) -> None:
    section = {"provider": "openai", "model": "m", "apiKey": "planted"}
    config: Config = validate({"llm": section})
    with pytest.raises(Misconfigured, match=r"llm\.apiKey: give it again"):
        apply_patch(config, "llm", {**change, "apiKey": "****"})
    assert apply_patch(config, "llm", {**change, "apiKey": "other"}).llm.api_key
