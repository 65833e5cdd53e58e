"""Named tokens in memory, in the place of their topic, and a configuration that asks for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ticketing.access.token_book import TokenBook
from ticketing.api.door import Door
from ticketing.config import Config
from ticketing.domain.access import tokens
from ticketing.domain.access.principal import Role
from ticketing.domain.access.tokens import Token, Tokens
from ticketing.errors import Conflict, NotFound

NOW = 1_900_000_000.0
ENFORCED = {"access": {"enforced": True}}


class Keys:
    """The tokens of an installation; reads, makes and ends them as `TokenTopic` does."""

    def __init__(self) -> None:
        self.tokens = Tokens()
        self.now = NOW

    def key(
        self,
        name: str,
        role: str = "viewer",
        tenants: Iterable[str] | None = None,
        expires_at: float = 0.0,
    ) -> dict[str, str]:
        """The header of a new token."""
        secret = tokens.new_secret()
        token = tokens.made(
            secret,
            name=name,
            role=Role(role),
            tenants=tenants,
            expires_at=expires_at,
            by="test",
            now=self.now,
        )
        self.tokens.take(token)
        return bearer(secret)

    def read(self) -> Tokens:
        return self.tokens

    def close(self) -> None:
        pass

    def door(self, config: dict[str, Any] | None = None, **clocks: Any) -> Door:
        """A door that knows these tokens."""
        found = Config.model_validate(ENFORCED if config is None else config)
        return Door(found, TokenBook(self), clock=lambda: self.now, **clocks)

    async def all(self) -> list[Token]:
        return list(self.tokens.by_id.values())

    async def make(
        self, name: str, role: Role, tenants: list[str] | None, *, expires_at: float, by: str
    ) -> tuple[Token, str]:
        if self.tokens.named(name, self.now):
            raise Conflict("active", f"A token named {name} is active.")
        secret = tokens.new_secret()
        made = tokens.made(
            secret,
            name=name,
            role=role,
            tenants=tenants,
            expires_at=expires_at,
            by=by,
            now=self.now,
        )
        self.tokens.take(made)
        return made, secret

    async def rotate(self, name: str, by: str) -> tuple[Token, str]:
        before = await self.revoke(name, by)
        return await self.make(
            name, before.role, before.tenants, expires_at=before.expires_at, by=by
        )

    async def revoke(self, name: str, by: str) -> Token:
        found = self.tokens.named(name, self.now)
        if not found:
            raise NotFound(f"No token named {name} is active.")
        for one in found:
            self.tokens.take(one.revoked(by, self.now))
        return self.tokens.by_id[found[-1].id]


def bearer(secret: str) -> dict[str, str]:
    """The header of a secret."""
    return {"Authorization": f"Bearer {secret}"}
