"""The section that every platform's settings extend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple

from pydantic import Field, SecretStr

from ticketing.config.values import Duration, Rate, Section


class Required(NamedTuple):
    """A key that needs a value; `hint` ends the sentence "is required while it is enabled"."""

    key: str
    hint: str = ""


class Contradiction(NamedTuple):
    """A setting that can't work: its path below the section, and what is wrong with it."""

    path: tuple[str, ...]
    text: str


class Platform(Section):
    """The settings of one platform, and the rules between them; fields are what every platform has.

    The methods say which rules hold for this platform alone; `ticketing.config.checks` asks them of
    enabled platforms. Keys are in camelCase, as in a configuration file.
    """

    title: ClassVar[str]
    """The platform's name as people spell it."""

    enabled: bool = False
    """Whether incidents may be routed there."""
    timeout: Duration = 10.0
    """How long one request may take."""
    ca_bundle: Path | None = None
    """A file of CA certificates (PEM) to trust instead of the system's."""
    rate_limit: Rate = "10/second"
    """Requests per account, shared by all workers."""
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
        """Values that can't work together; asked only while the platform is enabled."""
        yield from ()

    def faulty_templates(self) -> Iterator[Contradiction]:
        """Templates that can't be rendered, beside those of title and body."""
        yield from ()

    def basic_credentials(self) -> Iterator[tuple[str | None, SecretStr | None]]:
        """User and secret of each pair that is sent by HTTP Basic authentication.

        The encoded pair is a secret of its own: logs and errors must not show it.
        """
        yield from ()
