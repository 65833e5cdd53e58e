"""The authenticated sender of a request: a name, a role and the tenants."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ticketing.domain.open_enum import OpenEnum

NAME_CHARS_MAX = 100
"""Of a person, as given with a command and kept as the author of a step."""


class Role(OpenEnum):
    """The rights of a principal; each role includes those before it."""

    VIEWER = "viewer"
    """Reads."""
    RESPONDER = "responder"
    """Acts on incidents, and redrives dead letters."""
    ADMIN = "admin"
    """Deletes, tests connections, reads the configuration and the audit, makes tokens."""

    @property
    def nearest(self) -> Role:
        """The role that decides: an unknown one is treated as viewer, the least of all."""
        return self if self in _RANKS else Role.VIEWER

    def includes(self, other: Role) -> bool:
        """True for a role with all rights of the other one."""
        return _RANKS[self.nearest] >= _RANKS[other.nearest]


_RANKS = {Role.VIEWER: 0, Role.RESPONDER: 1, Role.ADMIN: 2}


class Kind(OpenEnum):
    """The way in which a principal is known. An unknown way is shown and decides nothing."""

    LOCAL = "local"
    """A client on this machine, where the configuration asks for no token."""
    SHARED = "shared"
    """The token of the configuration, `web.token`."""
    TOKEN = "token"
    """A named token."""
    PERSON = "person"
    """Somebody whom the OIDC provider knows."""
    SLACK = "slack"
    """A user of Slack, by Slack's signature."""
    CLI = "cli"
    """The operating system's user of a command that speaks to Kafka itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The sender of a request. `tenants` are None for all, else the only ones there are for it."""

    name: str
    role: Role
    kind: Kind
    tenants: tuple[str, ...] | None = None

    def may(self, role: Role) -> bool:
        """True for a principal with all rights of the role."""
        return self.role.includes(role)

    def sees(self, tenant: str) -> bool:
        """True for a tenant of the principal."""
        return self.tenants is None or tenant in self.tenants

    def within(self, asked: Collection[str]) -> tuple[str, ...] | None:
        """The tenants of a query that asks for these, none of them for all; None where none is left.

        An empty result is a query without a filter, which only a principal of all tenants gets.
        """
        if self.tenants is None:
            return tuple(asked)
        left = self.tenants if not asked else tuple(name for name in asked if self.sees(name))
        return left or None

    def signed(self, by: str) -> str:
        """The author of a step, for a request whose body names somebody.

        People and lesser tokens sign for themselves. A program with the rights of an admin may act
        for somebody: both names are kept. Without any authentication there is only the name given.
        """
        if self.kind is Kind.LOCAL:
            return by or "api"
        acts_for = self.kind is Kind.SHARED or (self.kind is Kind.TOKEN and self.may(Role.ADMIN))
        if not by or not acts_for:
            return self.name
        ending = f" via {self.name}"
        return by[: NAME_CHARS_MAX - len(ending)] + ending


LOCAL = Principal(name="local", role=Role.ADMIN, kind=Kind.LOCAL)
"""Everybody on this machine, where nobody is asked for a token."""
SHARED = Principal(name="web.token", role=Role.ADMIN, kind=Kind.SHARED)
"""The bearer of the configuration's token."""
