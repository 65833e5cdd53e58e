"""`ticketing worker`: run the job's processes."""

from __future__ import annotations

import os
from functools import partial

import click
import msgspec


@click.command(epilog="\b\nExample: ticketing worker\nExample: ticketing worker pipeline")
@click.argument("roles", nargs=-1, metavar="[ROLE]...")
def worker(roles: tuple[str, ...]) -> None:
    """Run every role, each in a process of its own, or just the ROLEs named.

    Roles: pipeline (detection, incidents, sinks), traces (correlation), summaries (if a language
    model is configured), view (the view in Redis, the API and the console), api (the API and the
    console alone), and one per enabled platform, such as pagerduty.
    """
    from sinks.platforms import require_sinks
    from ticketing import launch
    from ticketing import worker as composition
    from ticketing.config import handover
    from ticketing.engine.role_topics import verify_all
    from ticketing.kafka.runtime import EMBEDDED_VARIABLE, Runtime
    from ticketing.kafka.settings_topic import with_changed
    from ticketing.roles import secrets_alone
    from ticketing.supervisor import Supervisor

    launch.prepare()
    alone = len(roles) == 1
    runtime = Runtime.from_environ(needed=partial(secrets_alone, roles[0]) if alone else None)
    handover.forget(os.environ)
    require_sinks(runtime.config.enabled_platforms())
    known = composition.roles(runtime.config)
    unknown = [role for role in roles if role not in known]
    if unknown:
        raise click.BadParameter(f"unknown role {unknown[0]!r}; roles here: {', '.join(known)}")
    chosen = list(roles) or composition.default_roles(runtime.config)
    composition.require_extras(runtime.config, chosen)
    if alone:
        composition.run(roles[0], runtime)
        return
    composition.configure_logging(runtime.config)
    composition.warn_of_exposure(runtime.config)
    with composition.fleet_environ(runtime.embedded) as environ:
        if runtime.embedded:
            environ[EMBEDDED_VARIABLE] = runtime.brokers
        directory = environ[composition.METRICS_VARIABLE]
        with composition.metrics_listener(runtime, chosen, directory):
            composition.reach(runtime)
            runtime = with_changed(runtime)
            require_sinks(runtime.config.enabled_platforms())
            known = composition.roles(runtime.config)
            chosen = (
                [role for role in chosen if role in known]
                if roles
                else (composition.default_roles(runtime.config))
            )
            composition.require_extras(runtime.config, chosen)
            verify_all(runtime)
            runtime.ensure_topics()
            changed = msgspec.to_builtins(runtime.changed) if runtime.changed else {}
            Supervisor(chosen, environ, runtime.config, given=runtime.given, changed=changed).run()
