"""Named tokens: their form, which scanners for secrets know, and the record that is kept of one.

A secret is `tka_`, 32 random characters (190 bits) and a checksum of six. The checksum lets a
scanner tell a token from other text, and a typing error be refused without a look at the records.
Only the SHA-256 of a secret is kept: nobody can guess 190 bits, so that a slow hash would protect
nothing more (docs/adr/0043).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from ticketing.domain.access.principal import Kind, Principal, Role
from ticketing.domain.records import replace

PREFIX = "tka_"
BODY_CHARS = 32
"""Of 62 characters each, 190 bits: six of them are shown, and 154 bits stay secret."""
CHECK_CHARS = 6
"""The fewest characters of 62 that hold a CRC-32."""
SHOWN_CHARS = 6
"""Enough to tell the tokens of an installation apart."""
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
NAME_EXPECTED = "must be 1 to 64 lower-case letters, digits, dots, dashes and underscores"
TENANTS_MAX = 100
"""Tenants of one token: one for more of them is better made for all."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{BODY_CHARS + CHECK_CHARS}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is kept. Times are Unix seconds, 0 for never; `tenants` is None for all.

    A record never changes but for its revocation, so that writers need not wait for each other.
    """

    id: str
    name: str
    role: Role
    digest: str
    """SHA-256 of the secret, in hex."""
    shown: str
    """The beginning of the secret, by which people and log lines can name it."""
    tenants: list[str] | None = None
    made_at: float = 0.0
    made_by: str = ""
    expires_at: float = 0.0
    revoked_at: float = 0.0
    revoked_by: str = ""

    def is_valid(self, now: float) -> bool:
        """True for a token that is neither revoked nor expired."""
        return not self.revoked_at and not self.has_expired(now)

    def has_expired(self, now: float) -> bool:
        """True for a token past its end."""
        return bool(self.expires_at) and now >= self.expires_at

    def standing(self, now: float) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.has_expired(now) else "active"

    def revoked(self, by: str, now: float) -> Token:
        """The token after its revocation; the first one counts."""
        return self if self.revoked_at else replace(self, revoked_at=now, revoked_by=by)

    @property
    def principal(self) -> Principal:
        """The principal that bears the token."""
        tenants = None if self.tenants is None else tuple(self.tenants)
        name = f"token:{self.name}"
        return Principal(name=name, role=self.role, kind=Kind.TOKEN, tenants=tenants)


@dataclass(slots=True)
class Tokens:
    """The tokens of an installation, from their records in any order that keeps a token's own."""

    by_id: dict[str, Token] = field(default_factory=dict)
    _by_digest: dict[str, str] = field(default_factory=dict)

    def take(self, token: Token) -> None:
        """Take a record. A revocation is never taken back, whatever is written behind it."""
        known = self.by_id.get(token.id)
        if known is not None and known.revoked_at:
            return
        self.by_id[token.id] = token
        self._by_digest[token.digest] = token.id

    def bearing(self, secret: str) -> Token | None:
        """The token of a secret, valid or not; None for an unknown one."""
        id = self._by_digest.get(digest_of(secret))
        return None if id is None else self.by_id[id]

    def named(self, name: str, now: float) -> list[Token]:
        """The valid tokens of a name, the earliest record first."""
        return [one for one in self.by_id.values() if one.name == name and one.is_valid(now)]


def new_secret() -> str:
    """A new secret; shown once, kept nowhere."""
    body = "".join(secrets.choice(_DIGITS) for _ in range(BODY_CHARS))
    return f"{PREFIX}{body}{_checksum(body)}"


def is_well_formed(text: str) -> bool:
    """True for a text that may be a secret: form and checksum are right."""
    if not _FORM.fullmatch(text):
        return False
    body = text[len(PREFIX) : -CHECK_CHARS]
    return text.endswith(_checksum(body))


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret, in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def shown_of(secret: str) -> str:
    """The beginning of a secret that may be shown."""
    return secret[: len(PREFIX) + SHOWN_CHARS]


def made(
    secret: str,
    *,
    name: str,
    role: Role,
    tenants: Iterable[str] | None,
    expires_at: float,
    by: str,
    now: float,
) -> Token:
    """The record of a new token. Raises ValueError for a name or tenants that can't be."""
    listed = None if tenants is None else list(dict.fromkeys(tenants))
    if not NAME.fullmatch(name):
        raise ValueError(NAME_EXPECTED)
    if listed is not None and not 1 <= len(listed) <= TENANTS_MAX:
        raise ValueError(f"must be for all tenants, or for 1 to {TENANTS_MAX} of them")
    digest = digest_of(secret)
    return Token(
        id=digest[:16],
        name=name,
        role=role,
        digest=digest,
        shown=shown_of(secret),
        tenants=listed,
        made_at=now,
        made_by=by,
        expires_at=expires_at,
    )


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECK_CHARS):
        number, place = divmod(number, len(_DIGITS))
        digits = _DIGITS[place] + digits
    return digits
