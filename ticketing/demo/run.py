"""Runs the demo: everything on one machine, until Ctrl-C or until a recording is delivered."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from ticketing import worker
from ticketing.config import load
from ticketing.config.process import FAUST_WEB_PORT
from ticketing.demo.totals import Totals, totals
from ticketing.demo.traffic import Traffic
from ticketing.errors import TicketingError
from ticketing.extras import require
from ticketing.kafka.feed import Feed
from ticketing.kafka.free_port import free_port, free_ports
from ticketing.kafka.runtime import EMBEDDED_VARIABLE, Runtime
from ticketing.sandbox.credentials import sandbox_config
from ticketing.sandbox.server import Sandbox, start
from ticketing.supervisor import Supervisor

WEB_PORTS = 16
"""Ports in a row for the web view: an app for each role, and room for a platform or two."""
GROUP_WAIT = {"critical": "1s", "high": "2s", "medium": "2s", "low": "2s"}
"""Shorter than in production, so that tickets appear while a person watches."""
RECORDING: Mapping[str, Mapping[str, Any]] = {
    "storm": {"maxPatternsPerService": 0, "maxPagesPerMinute": 0, "maxPagesPerScope": 0},
    "anomaly": {"countsEvery": "1s"},
}
"""The hours of a recording pass in seconds, which the limits of a storm would hold back."""
LIVE = {
    "autoResolveAfter": "2m",
    "escalateAfter": {"critical": "1m"},
    "anomaly": {"countsEvery": "2s"},
}
"""Short, so that a watching person sees whole lives of incidents."""
TRAFFIC_RATE = 150.0
"""Logs a second: dozens of requests, so that a fault shows within seconds."""
READY_SECONDS_MAX = 120.0
"""Imports of all roles at once on a busy machine with one or two cores."""
STARTS_MAX = 3
"""A worker that ends this often has a fault that another start does not mend."""
QUIET_SECONDS_MAX = 180.0
"""Time without progress after which a recording's run fails: above the watchdog's and a restart."""
POLL_SECONDS = 0.5
"""Each look reads all incidents, so no more often than a person follows."""
PAGE_INCIDENTS = 500
"""The API's largest page."""


class DemoFailed(TicketingError):
    """The demo could not run to its end."""


@dataclass
class Demo:
    """A running installation with its sandbox."""

    runtime: Runtime
    sandbox: Sandbox
    supervisor: Supervisor
    api: str
    log: Path
    session: aiohttp.ClientSession

    async def watch(self) -> Totals:
        """The present numbers of the run."""
        async with self.session.get(f"{self.api}/metrics", allow_redirects=False) as answer:
            metrics_text = await answer.text()
        incidents = [incident async for incident in self.incidents()]
        tickets = Counter(ticket["platform"] for ticket in self.sandbox.tickets())
        return totals(metrics_text, incidents, tickets)

    async def incidents(self) -> AsyncIterator[Mapping[str, Any]]:
        """Every incident of the API's list."""
        url: str | None = f"{self.api}/api/incidents?limit={PAGE_INCIDENTS}"
        while url:
            async with self.session.get(url, allow_redirects=False) as answer:
                answer.raise_for_status()
                for incident in await answer.json():
                    yield incident
                following = answer.links.get("next")
                url = str(following["url"]) if following else None

    async def wait_ready(self) -> None:
        """Wait until all apps are ready; raises DemoFailed with the end of the log if too slow."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                async with self.session.get(f"{self.api}/ready", allow_redirects=False) as answer:
                    if answer.status == 200:
                        await self.require_own_page()
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(POLL_SECONDS)
            if any(child.restarts >= STARTS_MAX for child in self.supervisor.children):
                raise DemoFailed(f"a worker does not start:\n{self.log_end()}")
        raise DemoFailed(f"not ready after {READY_SECONDS_MAX:.0f} s:\n{self.log_end()}")

    async def require_own_page(self) -> None:
        """Raise DemoFailed if another program answers at the demo's address."""
        own = str(self.runtime.config.data_dir)
        try:
            async with self.session.get(
                f"{self.api}/api/v1/config", allow_redirects=False
            ) as answer:
                told = await answer.json()
        except (aiohttp.ContentTypeError, ValueError):
            told = None
        if not isinstance(told, dict) or told.get("dataDir") != own:
            raise DemoFailed(f"another program answers at {self.api}: choose another --port")

    def require_whole(self) -> None:
        """Raise DemoFailed if a worker has missed messages: the numbers can't add up any more."""
        for child in self.supervisor.children:
            if child.departure is not None and child.departure.reason == "missed":
                raise DemoFailed(f"{child.role} has lost messages: {child.departure.why}")

    def log_end(self, lines: int = 15) -> str:
        """The last lines of the workers' log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@asynccontextmanager
async def installation(port: int, settings: Mapping[str, Any] | None = None) -> AsyncIterator[Demo]:
    """Broker, sandbox and workers on loopback, until the end of the block.

    `settings` are sections of the configuration, in place of the demo's own.
    """
    require("demo", "ticketing demo")
    sandbox = await start()
    api_port = port or free_port()
    given = {
        **sandbox_config(sandbox.url),
        "groupWait": GROUP_WAIT,
        "web": {"host": "127.0.0.1", "port": api_port},
        # A page for a person to look at; a recording has no use for one of each app.
        "faustWeb": {"enabled": port != 0, "port": free_ports(FAUST_WEB_PORT, WEB_PORTS)},
        **(settings or {}),
    }
    with worker.fleet_environ(True) as environ:
        base = Path(environ[worker.METRICS_VARIABLE]).parent
        config_file = base / "demo.json"
        config_file.write_text(json.dumps(given))
        runtime = Runtime.of(load(config_file, environ))
        log = base / "worker.log"
        children = {**environ, EMBEDDED_VARIABLE: runtime.brokers}
        runtime.ensure_topics()
        roles = worker.default_roles(runtime.config)
        supervisor = Supervisor(roles, children, runtime.config, log=log)
        supervisor.start()
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        watching = asyncio.create_task(_keep(supervisor))
        try:
            api = f"http://127.0.0.1:{api_port}"
            yield Demo(runtime, sandbox, supervisor, api, log, session)
        finally:
            watching.cancel()
            await session.close()
            await asyncio.to_thread(supervisor.stop)
            await sandbox.stop()


async def run_recording(
    records: Iterable[bytes],
    say: Callable[[str], None],
    fed: Callable[[int], None],
    scoring: str = "upstream",
) -> Totals:
    """Feed a recording and wait until every record is counted and every ticket delivered.

    `scoring` is the setting `anomaly.scoring`.
    """
    settings = {**RECORDING, "anomaly": {**RECORDING["anomaly"], "scoring": scoring}}
    async with installation(port=0, settings=settings) as demo:
        say("starting the embedded broker, the workers and the sandbox")
        await demo.wait_ready()
        sent = await _in_thread(lambda stopped: _feed(demo, records, fed, stopped))
        say(f"{sent} records fed; waiting until every ticket is delivered")
        return await _until_delivered(demo, sent)


async def run_live(say: Callable[[str], None], status: Callable[[Totals], None], port: int) -> None:
    """Feed made-up traffic until cancelled."""
    async with installation(port, settings=LIVE) as demo:
        say("starting the embedded broker, the workers and the sandbox")
        await demo.wait_ready()
        say(f"incidents and their tickets, live:  {demo.api}/")
        say(f"the platforms' side of it:          {demo.sandbox.url}/")
        say(f"tables in the Faust web view:       {_faust_web(demo)}/table/")
        say(f"the embedded broker:                {demo.runtime.brokers}")
        say("Ctrl-C stops everything")
        traffic = Traffic().logs(time.time(), TRAFFIC_RATE)
        feeding = asyncio.create_task(
            _in_thread(lambda stopped: _feed(demo, traffic, lambda _: None, stopped, TRAFFIC_RATE))
        )
        try:
            while not feeding.done():
                demo.require_whole()
                status(await demo.watch())
                await asyncio.sleep(POLL_SECONDS * 2)
            await feeding
        finally:
            feeding.cancel()


def _faust_web(demo: Demo) -> str:
    web = demo.runtime.config.faust_web
    return f"http://{web.host}:{web.port}"


def _feed(
    demo: Demo,
    records: Iterable[bytes],
    progress: Callable[[int], None],
    stopped: Callable[[], bool],
    rate: float | None = None,
) -> int:
    feed = Feed(demo.runtime, demo.runtime.inputs[0], rate=rate)
    return feed.run(records, progress, stopped)


async def _in_thread(work: Callable[[Callable[[], bool]], int]) -> int:
    """Run blocking work in a thread; a cancellation tells the thread to stop."""
    stop = threading.Event()
    try:
        return await asyncio.to_thread(work, stop.is_set)
    finally:
        stop.set()


async def _keep(supervisor: Supervisor) -> None:
    while True:
        supervisor.watch()
        await asyncio.sleep(POLL_SECONDS)


async def _until_delivered(demo: Demo, sent: int) -> Totals:
    seen = await demo.watch()
    changed_at = time.monotonic()
    while not (seen.records >= sent and seen.adds_up and seen.undelivered == 0):
        if time.monotonic() - changed_at > QUIET_SECONDS_MAX:
            raise DemoFailed(f"not delivered: {seen}\n{demo.log_end()}")
        await asyncio.sleep(POLL_SECONDS)
        demo.require_whole()
        now = await demo.watch()
        if now != seen:
            seen, changed_at = now, time.monotonic()
    return seen
