"""The settings of access: tokens, and people by an OIDC provider."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ticketing.config.values import Name, Secret, Section, Url

RoleName = Literal["viewer", "responder", "admin"]


class Oidc(Section):
    """Sign-in of people at an OpenID Connect provider; off without `issuer`."""

    issuer: Url | None = None
    """Address of the provider, exactly as its tokens have it in `iss`; `https`, or on this machine."""
    client_id: Name | None = None
    """Client id of the agent at the provider, which is the audience of tokens."""
    client_secret: Secret | None = None
    """Client secret, if the provider gave one."""
    scopes: Annotated[tuple[Name, ...], Field(min_length=1)] = ("openid", "profile", "email")
    """Scopes to ask for."""
    audiences: tuple[Name, ...] = ()
    """Further audiences of tokens that programs send, such as that of an API."""
    name_claim: Name = "email"
    """Claim with the name for the timeline; `sub` where it is missing, or an email is not verified."""
    roles_claim: Name = "roles"
    """Claim with the roles or groups, a string or a list."""
    role_map: dict[Name, RoleName] = Field(default_factory=dict)
    """Roles by a value of that claim; the highest counts."""
    default_role: RoleName | None = None
    """Role of people without one by `roleMap`; without it they are refused."""
    tenants_claim: Name | None = None
    """Claim with the tenants of a person, a string or a list; without it everybody sees all tenants."""


class Access(Section):
    """Access to the listeners, besides that of `web.token`."""

    enforced: bool = False
    """Asks for a token on this machine too; `web.token` and `oidc` do so by themselves."""
    oidc: Oidc = Oidc()
    """Sign-in of people at an OpenID Connect provider; off without `issuer`."""
