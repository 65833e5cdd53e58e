"""Roles include each other in one order, tenants bound queries, and names are not free text."""

from __future__ import annotations

import pytest

from ticketing.domain.access.principal import LOCAL, SHARED, Kind, Principal, Role

ORDER = [Role.VIEWER, Role.RESPONDER, Role.ADMIN]


def principal(kind: Kind, role: Role = Role.ADMIN, name: str = "n", **fields: object) -> Principal:
    return Principal(name=name, role=role, kind=kind, **fields)  # type: ignore[arg-type]


def test_each_role_includes_those_before_it() -> None:
    for high, one in enumerate(ORDER):
        assert [one.includes(other) for other in ORDER] == [low <= high for low in range(3)]


def test_a_role_of_another_release_is_the_least() -> None:
    newer = Role("overlord")
    assert newer.includes(Role.VIEWER)
    assert not newer.includes(Role.RESPONDER)


@pytest.mark.parametrize(
    ("own", "asked", "found"),
    [
        (None, (), ()),
        (None, ("a",), ("a",)),
        (("a", "b"), (), ("a", "b")),
        (("a", "b"), ("b", "c"), ("b",)),
        (("a",), ("c",), None),
    ],
)
def test_a_query_stays_within_the_tenants(
    own: tuple[str, ...] | None, asked: tuple[str, ...], found: tuple[str, ...] | None
) -> None:
    assert principal(Kind.TOKEN, tenants=own).within(asked) == found


@pytest.mark.parametrize(
    ("who", "by", "author"),
    [
        (LOCAL, "", "api"),
        (LOCAL, "ann", "ann"),
        (SHARED, "", "web.token"),
        (SHARED, "ann", "ann via web.token"),
        (principal(Kind.TOKEN, name="token:bot"), "ann", "ann via token:bot"),
        (principal(Kind.TOKEN, Role.RESPONDER, "token:bot"), "ceo@corp.example", "token:bot"),
        (principal(Kind.PERSON, name="ann@corp.example"), "ceo@corp.example", "ann@corp.example"),
        (principal(Kind("of_a_newer_release"), name="x"), "ceo", "x"),
    ],
)
def test_an_author_is_authenticated(who: Principal, by: str, author: str) -> None:
    assert who.signed(by) == author


def test_the_authenticated_part_of_a_long_name_is_kept() -> None:
    signed = SHARED.signed("x" * 100)
    assert len(signed) == 100
    assert signed.endswith("x via web.token")
