"""The named tokens in Kafka: reading them anew, making, rotating and revoking.

A token is written when it is made and when it is revoked, and never otherwise: writers of several
processes can't undo each other's changes, in whatever order their records arrive
(docs/adr/0043).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from confluent_kafka import KafkaException

from ticketing.domain.access import tokens
from ticketing.domain.access.principal import Role
from ticketing.domain.access.tokens import Token, Tokens
from ticketing.errors import Conflict, NotFound, TicketingError, Unavailable
from ticketing.kafka import writer
from ticketing.kafka.reader import TopicReader
from ticketing.kafka.runtime import Runtime
from ticketing.wire.packed import UNREADABLE
from ticketing.wire.tokens import decode_token, encode_token
from ticketing.wire.topics import TOKENS


class TokenTopic:
    """The tokens of an installation. Every method raises Unavailable; one thread at a time."""

    def __init__(self, runtime: Runtime, *, clock: Callable[[], float] = time.time) -> None:
        self._runtime = runtime
        self._clock = clock
        self._reader: TopicReader | None = None
        self._read_to: dict[int, int] = {}
        self._known = Tokens()

    def read(self) -> Tokens:
        """All tokens, those written since the last call among them."""
        try:
            self._read()
        except (TicketingError, KafkaException):
            # A new connection may do better.
            self.close()
            raise
        return self._known

    def close(self) -> None:
        """Disconnect; the next call connects again."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def make(
        self,
        name: str,
        role: Role,
        tenants: Iterable[str] | None,
        *,
        expires_at: float,
        by: str,
    ) -> tuple[Token, str]:
        """Make a token; returns its record and its secret, which is kept nowhere.

        Raises Conflict for the name of a valid token, ValueError for a name or tenants that can't
        be.
        """
        now = self._clock()
        secret = tokens.new_secret()
        token = tokens.made(
            secret, name=name, role=role, tenants=tenants, expires_at=expires_at, by=by, now=now
        )
        if self.read().named(name, now):
            raise _taken(name)
        self._write(token)
        # Of two that are made at once, the first record counts.
        if self.read().named(name, now)[:1] != [token]:
            self._write(token.revoked(by, now))
            raise _taken(name)
        return token, secret

    def rotate(self, name: str, by: str) -> tuple[Token, str]:
        """Make a token like the valid one of a name, which ends; raises NotFound without one."""
        now = self._clock()
        before = self._valid(name, now)
        latest = before[-1]
        secret = tokens.new_secret()
        made = tokens.made(
            secret,
            name=name,
            role=latest.role,
            tenants=latest.tenants,
            expires_at=latest.expires_at,
            by=by,
            now=now,
        )
        self._write(made, *(one.revoked(by, now) for one in before))
        return made, secret

    def revoke(self, name: str, by: str) -> Token:
        """End the token of a name; raises NotFound without a valid one."""
        now = self._clock()
        revoked = [one.revoked(by, now) for one in self._valid(name, now)]
        self._write(*revoked)
        return revoked[-1]

    def _valid(self, name: str, now: float) -> list[Token]:
        found = self.read().named(name, now)
        if not found:
            raise NotFound(f"No token named {name[:64]} is active.")
        return found

    def _write(self, *written: Token) -> None:
        records = {token.id: encode_token(token) for token in written}
        writer.write(self._runtime, TOKENS, records, "the token")

    def _read(self) -> None:
        if self._reader is None:
            self._reader = TopicReader(self._runtime)
        numbers = self._reader.partitions(TOKENS)
        if not numbers:
            raise Unavailable("the topic of the tokens does not exist yet")
        for number in numbers:
            low, high = self._reader.bounds(TOKENS, number)
            start = max(low, self._read_to.get(number, low))
            for message in self._reader.between(TOKENS, number, start, high):
                token = _token(message.value())
                if token is not None:
                    self._known.take(token)
            self._read_to[number] = high


def _token(value: bytes | None) -> Token | None:
    """A record; None for what is no token, which must not hide the others."""
    try:
        return None if value is None else decode_token(value)
    except UNREADABLE:
        return None


def _taken(name: str) -> Conflict:
    return Conflict("active", f"A token named {name} is active: rotate or revoke it.")
