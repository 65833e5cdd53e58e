"""Principals by the claims of an OIDC provider's token: pure rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ticketing.config.access import Oidc
from ticketing.domain.access.principal import NAME_CHARS_MAX, Kind, Principal, Role
from ticketing.domain.access.tokens import TENANTS_MAX
from ticketing.domain.text import cleaned

EMAIL = "email"
_ANOTHERS = re.compile(r"(token|slack|cli):|(web\.token|local|api)$|.* via ", re.IGNORECASE)
"""The form of names that are not those of people (`Principal.signed`)."""


def principal_of(claims: Mapping[str, Any], oidc: Oidc) -> Principal | None:
    """The person that verified claims are about; None for somebody without a role or a tenant."""
    role = _role(claims, oidc)
    tenants = _tenants(claims, oidc)
    name = _name(claims, oidc)
    if role is None or tenants == () or not name:
        return None
    return Principal(name=name, role=role, kind=Kind.PERSON, tenants=tenants)


def _role(claims: Mapping[str, Any], oidc: Oidc) -> Role | None:
    given = _texts(claims.get(oidc.roles_claim))
    roles = [Role(oidc.role_map[value]) for value in given if value in oidc.role_map]
    if oidc.default_role is not None:
        roles.append(Role(oidc.default_role))
    return next((role for role in reversed(Role) if role in roles), None)


def _tenants(claims: Mapping[str, Any], oidc: Oidc) -> tuple[str, ...] | None:
    if oidc.tenants_claim is None:
        return None
    # More than a command can carry: the rest stays unseen, and nothing else is shown.
    return tuple(dict.fromkeys(_texts(claims.get(oidc.tenants_claim))))[:TENANTS_MAX]


def _name(claims: Mapping[str, Any], oidc: Oidc) -> str:
    """The name, without anything nobody sees. An email that is not verified is anybody's to choose."""
    given = claims.get(oidc.name_claim)
    trusted = oidc.name_claim != EMAIL or claims.get("email_verified") is True
    name = given if isinstance(given, str) and given.strip() and trusted else claims.get("sub")
    shown = " ".join(cleaned(name).split()) if isinstance(name, str) else ""
    # Many a provider lets people choose their names: nobody signs as a token, or as another's agent.
    return (f"person:{shown}" if _ANOTHERS.match(shown) else shown)[:NAME_CHARS_MAX]


def _texts(value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [one for one in values if isinstance(one, str) and one]
