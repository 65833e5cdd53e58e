"""`ticketing tokens`: make, list, rotate and revoke the named tokens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ticketing.cli.options import Length, user_name
from ticketing.domain.access.principal import Kind, Principal, Role
from ticketing.domain.access.tokens import NAME, NAME_EXPECTED, TENANTS_MAX

if TYPE_CHECKING:
    from ticketing.access.token_topic import TokenTopic
    from ticketing.domain.access.tokens import Token


class TokenName(click.ParamType):
    """The name of a token."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it is."""
        if not NAME.fullmatch(value):
            self.fail(NAME_EXPECTED, param, ctx)
        return str(value)


_name = click.argument("name", type=TokenName())


@click.group(epilog="Example: ticketing tokens list")
def tokens() -> None:
    """Make and end the tokens by which people and programs use the API.

    A token has a name, a role and tenants. Its secret is shown once, and kept nowhere. Changes
    reach all workers within seconds, without a restart.
    """


@tokens.command(epilog="Example: ticketing tokens create grafana --role viewer --expires 90d")
@_name
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="viewer reads, responder acts on incidents, admin does everything.",
)
@click.option("--tenant", "tenants", multiple=True, help="A tenant. Repeatable.  [default: all]")
@click.option("--expires", type=Length(), help="Time until it ends, such as 90d.  [default: never]")
def create(name: str, role: str, tenants: tuple[str, ...], expires: float | None) -> None:
    """Make the token NAME, and print its secret."""
    if len(set(tenants)) > TENANTS_MAX:
        raise click.UsageError(f"--tenant: more than {TENANTS_MAX}; leave it out for all tenants")
    until = 0.0 if expires is None else time.time() + expires
    with _topic("create", name) as topic:
        made, secret = topic.make(
            name, Role(role), tenants or None, expires_at=until, by=_operator()
        )
    _show(made, secret)


@tokens.command(name="list", epilog="Example: ticketing tokens list --all")
@click.option("--all", "all_", is_flag=True, help="Revoked and expired ones too.")
def list_(all_: bool) -> None:
    """List the tokens, without their secrets."""
    now = time.time()
    with _topic() as topic:
        found = list(topic.read().by_id.values())
    for token in found:
        if all_ or token.is_valid(now):
            click.echo(_line(token, now))


@tokens.command(epilog="Example: ticketing tokens rotate grafana")
@_name
def rotate(name: str) -> None:
    """Make a new secret for the token NAME, and print it; the one before ends at once."""
    with _topic("rotate", name) as topic:
        made, secret = topic.rotate(name, _operator())
    _show(made, secret)


@tokens.command(epilog="Example: ticketing tokens revoke grafana")
@_name
def revoke(name: str) -> None:
    """End the token NAME at once."""
    with _topic("revoke", name) as topic:
        revoked = topic.revoke(name, _operator())
    click.echo(f"revoked {revoked.name} ({revoked.shown}...)")


@contextmanager
def _topic(changes: str = "", name: str = "") -> Iterator[TokenTopic]:
    """The tokens; what was done to one is noted in the audit."""
    from ticketing.access.audit_topic import AuditLog
    from ticketing.access.token_topic import TokenTopic
    from ticketing.domain.access.audit import entry_of
    from ticketing.kafka.runtime import Runtime

    runtime = Runtime.for_command()
    runtime.reach()
    runtime.ensure_topics()
    topic, audit = TokenTopic(runtime), AuditLog(runtime)
    who = Principal(name=_operator(), role=Role.ADMIN, kind=Kind.CLI)
    try:
        yield topic
        if changes:
            route = f"ticketing tokens {changes}"
            audit.write(entry_of(who, at=time.time(), route=route, subjects=[name]))
    finally:
        topic.close()
        audit.close()


def _operator() -> str:
    return f"cli:{user_name()}"


def _show(token: Token, secret: str) -> None:
    """The secret alone on standard output, so that it can be piped; the rest beside it."""
    click.echo(f"made {_line(token, token.made_at)}; the secret is shown once:", err=True)
    click.echo(secret)


def _line(token: Token, now: float) -> str:
    tenants = "all tenants" if token.tenants is None else ", ".join(token.tenants)
    ends = f", until {_day(token.expires_at)}" if token.expires_at else ""
    standing = token.standing(now)
    return (
        f"{token.name}  {token.role.value}  {tenants}  {token.shown}...  {standing}{ends}"
        f"  made {_day(token.made_at)} by {token.made_by}"
    )


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(at))
