"""Tests of the connection to a platform: check the needs of later calls, without side effects."""

from __future__ import annotations

import asyncio

from sinks.calls.outcome import Failed
from sinks.platform import Connection
from sinks.platforms import create
from ticketing.config import Config
from ticketing.config.checks import contradictions
from ticketing.config.problems import dotted, of_absent_secret
from ticketing.errors import Misconfigured

GRACE_SECONDS = 10.0
"""The time of a test beyond one request's timeout: a test makes a few requests, and somebody waits
for its answer."""


async def test(config: Config, platform: str) -> Connection:
    """Test the connection to a platform; the message says what to fix."""
    section = config.platform(platform)
    if not section.enabled:
        return Connection(ok=False, message=f"{platform} is not enabled: set {platform}.enabled")
    absent = [
        dotted(problem.path)
        for problem in contradictions(config)
        if problem.path[0] == platform and of_absent_secret(problem)
    ]
    if absent:
        return Connection(
            ok=False,
            message=f"{', '.join(absent)}: not given to this process; run `ticketing test-connection"
            f" {platform}` where the adapter runs",
        )
    try:
        client = create(platform, config, lambda: None)
    except Misconfigured as error:
        return Connection(ok=False, message=str(error))
    try:
        return await asyncio.wait_for(client.test_connection(), section.timeout + GRACE_SECONDS)
    except Failed as failed:
        return Connection(ok=False, message=str(failed))
    except asyncio.TimeoutError:
        seconds = section.timeout + GRACE_SECONDS
        return Connection(
            ok=False, message=f"no answer within {seconds:g} s: is the address right?"
        )
    finally:
        await client.close()
