"""The base section of all platforms' settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple

from pydantic import Field, SecretStr

from ticketing.config.values import Duration, Rate, Section


class Required(NamedTuple):
    """A required key; `hint` ends the sentence "is required while it is enabled"."""

    key: str
    hint: str = ""


class Contradiction(NamedTuple):
    """A setting that can't work: its path below the section, and its fault."""

    path: tuple[str, ...]
    text: str


class PlatformSection(Section):
    """The settings of one platform; the fields here are those of every platform.

    The methods have the platform's own rules, which `ticketing.config.checks` applies to enabled
    platforms. Keys are in camelCase, as in a configuration file.
    """

    title: ClassVar[str]
    """The platform's name for people."""

    enabled: bool = False
    """Lets incidents be routed to this platform."""
    # Slow platforms take seconds to answer; longer waits are repeated rather than endured.
    timeout: Duration = 10.0
    """Longest time that one request may take."""
    ca_bundle: Path | None = None
    """A file of CA certificates (PEM) to trust instead of the system's."""
    rate_limit: Rate = "10/second"
    """Requests per account, shared by all workers."""
    # Enough for a storm at the default rate, even with answers that take a second.
    concurrency: int = Field(default=8, ge=1, le=256)
    """Requests under way at once, per worker."""
    title_template: str | None = None
    """Jinja2 template of the title, in place of the default one."""
    body_template: str | None = None
    """Jinja2 template of the body, in place of the default one."""

    def required(self) -> Iterator[Required]:
        """The keys that must have a value while the platform is enabled."""
        yield from ()

    def contradictions(self) -> Iterator[Contradiction]:
        """Values that can't work together; called only while the platform is enabled."""
        yield from ()

    def ticket_places(self) -> Iterator[str]:
        """The addresses below which the pages of tickets lie; `https://*.example.com` is any host.

        A ticket's address that leads elsewhere is not shown.
        """
        yield from ()

    def faulty_templates(self) -> Iterator[Contradiction]:
        """Faulty templates, except those of title and body."""
        yield from ()

    def basic_credentials(self) -> Iterator[tuple[str | None, SecretStr | None]]:
        """User and secret of each pair that is sent by HTTP Basic authentication.

        Logs and errors must not show the encoded pair, a secret of its own.
        """
        yield from ()
