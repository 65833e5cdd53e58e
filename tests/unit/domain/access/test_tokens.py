"""The form of secrets, and the records of tokens: a revocation is never taken back."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.domain.access.principal import Role
from ticketing.domain.access.tokens import (
    Token,
    Tokens,
    digest_of,
    is_well_formed,
    made,
    new_secret,
    shown_of,
)

NOW = 1000.0


def token(name: str = "grafana", **fields: object) -> Token:
    given: dict[str, object] = {
        "role": Role.VIEWER, "tenants": None, "expires_at": 0.0, "by": "ann", "now": NOW,
    }  # fmt: skip
    return made(new_secret(), name=name, **{**given, **fields})  # type: ignore[arg-type]


def test_a_secret_is_known_by_its_form_and_never_comes_twice() -> None:
    made = {new_secret() for _ in range(200)}
    assert len(made) == 200
    assert all(is_well_formed(one) and one.startswith("tka_") and len(one) == 42 for one in made)


@given(st.integers(4, 41), st.sampled_from("0Az9"))
def test_a_changed_character_is_noticed(place: int, other: str) -> None:
    secret = "tka_" + "0123456789ABCDEFGHIJKLMNOPQRSTUV" + "000000"
    right = next(one for one in (new_secret(),) if is_well_formed(one))
    changed = right[:place] + other + right[place + 1 :]
    assert is_well_formed(changed) is (changed == right)
    assert not is_well_formed(secret)


@pytest.mark.parametrize("text", ["", "tka_", "tka_x", "x" * 42, "tka_" + "é" * 38])
def test_other_text_is_no_secret(text: str) -> None:
    assert not is_well_formed(text)


def test_a_record_holds_nothing_of_the_secret_but_its_beginning() -> None:
    secret = new_secret()
    record = made(
        secret, name="a", role=Role.ADMIN, tenants=None, expires_at=0.0, by="ann", now=NOW
    )
    assert record.digest == digest_of(secret)
    assert record.shown == shown_of(secret) == secret[:10]
    assert secret[10:] not in repr(record)


@pytest.mark.parametrize("name", ["", "Ann", "a b", "ann@corp.example", "-a", "a" * 65, "tökn"])
def test_a_name_can_be_taken_for_nothing_else(name: str) -> None:
    with pytest.raises(ValueError, match="must be 1 to 64"):
        token(name)


@pytest.mark.parametrize("tenants", [[], [str(number) for number in range(101)]])
def test_tenants_are_all_or_a_few(tenants: list[str]) -> None:
    with pytest.raises(ValueError, match="all tenants"):
        token(tenants=tenants)


def test_an_end_is_kept() -> None:
    ends = token(expires_at=NOW + 10)
    assert ends.is_valid(NOW + 9)
    assert not ends.is_valid(NOW + 10)
    assert [ends.standing(at) for at in (NOW, NOW + 10)] == ["active", "expired"]


def test_a_revocation_holds_in_any_order_of_records() -> None:
    active = token()
    revoked = active.revoked("bob", NOW + 1)
    for records in permutations([active, revoked, revoked.revoked("eve", NOW + 2)]):
        known = Tokens()
        for record in records:
            known.take(record)
        assert known.by_id[active.id] == revoked
        assert known.named(active.name, NOW + 1) == []


def test_a_principal_has_the_name_role_and_tenants_of_its_token() -> None:
    principal = token("deploy", role=Role.RESPONDER, tenants=["a", "b", "a"]).principal
    assert (principal.name, principal.role) == ("token:deploy", Role.RESPONDER)
    assert principal.tenants == ("a", "b")
