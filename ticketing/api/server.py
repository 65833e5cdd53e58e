"""Runs the API: beside the view's agent in one process, or as a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Mapping

from aiohttp import web
from aiokafka.errors import KafkaError

from ticketing import restarts
from ticketing.api import readiness
from ticketing.api.app import create_app
from ticketing.api.audit import KafkaAudit
from ticketing.api.balance import KafkaBalance
from ticketing.api.checks import ConnectionChecks
from ticketing.api.command_sender import CommandSender
from ticketing.api.connections import Runner
from ticketing.api.dead_letters import KafkaDeadLetters
from ticketing.api.door import door_of
from ticketing.api.fleet import KafkaFleet, Watched
from ticketing.api.settings import KafkaSettingsDesk
from ticketing.api.tokens import KafkaTokenDesk
from ticketing.connection_tests import asker
from ticketing.domain.events import Command
from ticketing.errors import Unavailable
from ticketing.kafka.runtime import Runtime
from ticketing.view.store import ViewStore, open_store

log = logging.getLogger(__name__)

SHUTDOWN_SECONDS_MAX = 3.0
"""Time for most answers under way, well within the supervisor's limit."""
RETRY_SECONDS = 2.0
"""Between looks at the parent: an orphan keeps the port no longer than this."""
VIEW, API = "view", "api"


class KafkaCommands:
    """Sends commands through Kafka; connects for the first command, and again after a failure."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._sender: CommandSender | None = None
        self._connecting = asyncio.Lock()

    async def send(self, command: Command) -> None:
        """Send a command; returns once the broker holds it. Raises Unavailable or ValueError."""
        try:
            await (await self._connected()).send(command)
        except KafkaError as error:
            raise Unavailable(f"Kafka does not answer ({type(error).__name__})") from None

    async def _connected(self) -> CommandSender:
        async with self._connecting:
            if self._sender is None:
                sender = CommandSender(self._runtime)
                try:
                    await sender.start()
                except KafkaError:
                    await sender.stop()
                    raise
                self._sender = sender
            return self._sender

    async def close(self) -> None:
        """Disconnect."""
        if self._sender is not None:
            await self._sender.stop()


async def start(
    runtime: Runtime, store: ViewStore, watched: Mapping[str, Watched], role: str = VIEW
) -> None:
    """Serve until cancelled. `watched` are the roles of the installation."""
    config = runtime.config
    commands = KafkaCommands(runtime)
    expected = readiness.expected_roles(role)
    roles = [name for name in expected if name != API]

    async def reasons() -> list[str]:
        found = await asyncio.to_thread(readiness.reasons, roles)
        if store.is_filling:
            found.append("the index of the incidents is being filled from Redis")
        return found

    checks = ConnectionChecks(config, asker(os.environ))
    balance = KafkaBalance(runtime)
    fleet = KafkaFleet(runtime, watched)
    desk = KafkaTokenDesk(runtime)
    app = create_app(
        config,
        store,
        commands,
        reasons,
        checks,
        dead_letters=KafkaDeadLetters(runtime),
        balance=balance,
        fleet=fleet,
        door=door_of(runtime),
        desk=desk,
        audit=KafkaAudit(runtime),
        settings=KafkaSettingsDesk(runtime),
    )
    runner = Runner(app, shutdown_timeout=SHUTDOWN_SECONDS_MAX)
    await runner.setup()
    following = asyncio.create_task(store.follow())
    try:
        await web.TCPSite(runner, config.web.host, config.web.port).start()
        if role == API:
            restarts.note_ready()
        fleet.start()
        log.info("the API and the console listen on %s", runner.addresses)
        await asyncio.Event().wait()
    finally:
        following.cancel()
        await runner.cleanup()
        await commands.close()
        await balance.close()
        await fleet.close()
        await desk.close()
        await checks.close()


def serve(runtime: Runtime, watched: Mapping[str, Watched]) -> None:
    """Serve the API alone until SIGINT or SIGTERM, from a view in Redis that other workers fill."""
    asyncio.run(_serve(runtime, watched))


async def _serve(runtime: Runtime, watched: Mapping[str, Watched]) -> None:
    store = open_store(runtime.config)
    serving = asyncio.ensure_future(start(runtime, store, watched, API))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    parent = os.environ.get("TICKETING_PARENT")
    if parent is not None:
        watching = asyncio.ensure_future(_leave_with(int(parent), serving))
        serving.add_done_callback(lambda _: watching.cancel())
    try:
        await serving
    except asyncio.CancelledError:
        log.info("stopping on a signal")
    finally:
        await store.close()


async def _leave_with(parent: int, serving: asyncio.Future[None]) -> None:
    """Stop once the supervisor that started the process is gone."""
    # Polled, as a process gets no notice of its parent's end.
    while os.getppid() == parent:  # noqa: ASYNC110
        await asyncio.sleep(RETRY_SECONDS)
    serving.cancel()
