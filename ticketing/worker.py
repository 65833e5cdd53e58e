"""The composition root: puts agents, tables and tasks on the app of each role.

`app` is the pipeline, for `faust -A ticketing.worker:app worker`.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tables.alerts import is_stored_firing
from tables.incidents import is_stored_open, stored_incident_of
from ticketing import extras, launch, log, metrics, restarts
from ticketing.config import Config, exposed, secrets_of
from ticketing.engine.agent import add_agent
from ticketing.engine.app import TicketingApp, create_app, create_table
from ticketing.engine.app_metrics import AppMetrics
from ticketing.engine.departure import leave
from ticketing.engine.pulse import PulseSender
from ticketing.engine.role_topics import RoleTopics, changed
from ticketing.errors import Misconfigured
from ticketing.kafka.contact import WORKER_SECONDS_MAX
from ticketing.kafka.free_port import free_port
from ticketing.kafka.runtime import Runtime
from ticketing.kafka.settings_topic import with_changed
from ticketing.kafka.watch import TopicWatch
from ticketing.roles import (
    API,
    PIPELINE,
    SUMMARIES,
    TRACES_ROLE,
    VIEW,
    app_of,
    committed_by,
    read_by,
    secrets_alone,
    verified_topics,
)
from ticketing.telemetry import export
from ticketing.wire.topics import (
    ALERTS,
    EVENTS,
    EVIDENCE,
    INCIDENTS,
    SIGNALS,
    TRACES,
    platform_topic,
)

if TYPE_CHECKING:
    from ticketing.api.fleet import Watched

API_ROLES = frozenset({VIEW, API})
"""Roles that serve the API, including metrics, health and readiness."""
METRICS_VARIABLE = metrics.MULTIPROCESS_VARIABLE
DATA_DIR_VARIABLE = "TICKETING_DATA_DIR"
PARENT_VARIABLE = "TICKETING_PARENT"
READY_EVERY_SECONDS = 1.0
"""Finer than the probes of orchestrators, which ask every few seconds."""
PACE_SECONDS = {PIPELINE: 0.05, VIEW: 0.1, TRACES_ROLE: 0.25}
"""The time between fetches of what is not urgent, well within what people wait for: a page whose log
waits for the next fetch has 0.2 s (docs/benchmarks.md), a first finding 1.5 s. Adapters have little
to read, and pages in it."""
HOLD_SECONDS = 0.25
"""For which records of which none may page stay together: each message to a counter of alerts costs two
more and a write. Tickets show counts by the minute."""
GC_THRESHOLDS = (100_000, 50, 100)
"""Rare, as a search walks all records in memory (docs/adr/0004); not off, as cycles do occur."""


def roles(config: Config) -> list[str]:
    """Every role of this configuration."""
    traces = [TRACES_ROLE] if config.traces.enabled else []
    summaries = [SUMMARIES] if config.llm.chain else []
    return [PIPELINE, VIEW, API, *traces, *config.enabled_platforms(), *summaries]


def default_roles(config: Config) -> list[str]:
    """The roles of a whole installation, where the view's process serves the API."""
    return [role for role in roles(config) if role != API]


def watched(runtime: Runtime) -> dict[str, Watched]:
    """The roles of the whole installation, as the API watches them."""
    from ticketing.api.fleet import Watched

    return {
        role: Watched(app_of(role), tuple(committed_by(role, runtime)))
        for role in default_roles(runtime.config)
    }


def require_extras(config: Config, chosen: Sequence[str]) -> None:
    """Raise Misconfigured unless the packages of all chosen roles are installed."""
    problems: list[str] = []
    if config.redis.embedded and not API_ROLES.isdisjoint(chosen):
        problems += extras.missing("demo", "redis.url")
    if config.telemetry.otlp.endpoint:
        problems += extras.missing("otel", "telemetry.otlp.endpoint")
    if SUMMARIES in chosen:
        problems += extras.missing(
            "llm", "llm.providers" if config.llm.providers else "llm.provider"
        )
    if problems:
        raise Misconfigured(problems)


@contextmanager
def traced(role: str, config: Config) -> Iterator[None]:
    """Export OpenTelemetry traces meanwhile, if the configuration or OpenTelemetry's variables say so.

    Raises Misconfigured where a setting asks for an extra that is not installed. A variable may be a
    whole cluster's: there the log says so.
    """
    otlp = config.telemetry.otlp
    if not export.wanted(otlp.endpoint, os.environ):
        yield
        return
    if not extras.installed("otel"):
        if otlp.endpoint:
            extras.require("otel", "telemetry.otlp.endpoint")
        log.get(__name__).warning("not_traced", why="the extra `otel` is not installed")
        yield
        return
    headers = {name: secret.get_secret_value() for name, secret in otlp.headers.items()}
    with export.exporting(role, otlp.endpoint, headers, os.environ):
        yield


def configure_logging(config: Config) -> None:
    """Log as configured, with every secret of the configuration masked."""
    log.configure(config.log.level, config.log.format, secrets_of(config))


def warn_of_exposure(config: Config) -> None:
    """Say by which ways strangers may read along or come in."""
    for warning in exposed(config):
        log.get(__name__).warning(warning)


@contextmanager
def fleet_environ(embedded: bool) -> Iterator[dict[str, str]]:
    """The environment of child processes: a directory for metrics and, embedded, for data."""
    base = Path(tempfile.mkdtemp(prefix="ticketing-"))
    environ: dict[str, str] = {METRICS_VARIABLE: str(base / "metrics")}
    (base / "metrics").mkdir()
    if embedded:
        # Tables must not outlive the embedded broker, whose topics end with it.
        environ[DATA_DIR_VARIABLE] = str(base / "data")
    try:
        yield environ
    finally:
        shutil.rmtree(base, ignore_errors=True)


def metrics_listener(
    runtime: Runtime, served: Sequence[str], directory: str | None = None
) -> AbstractContextManager[Any]:
    """The listener of the roles in `served`; none where one of them serves the API.

    `directory` has the metrics files of the processes; None for this process alone.
    """
    config = runtime.config
    if not config.metrics.enabled or not API_ROLES.isdisjoint(served):
        return nullcontext()
    from ticketing.api import readiness
    from ticketing.api.door import door_of
    from ticketing.api.listener import Listener
    from ticketing.api.services import WorkerStatus

    def render() -> bytes:
        return metrics.render(directory)

    def reasons() -> list[str]:
        return readiness.reasons(served, render().decode(), directory)

    return Listener(WorkerStatus(config, reasons, render), door_of(runtime))


def run(role: str, runtime: Runtime) -> None:
    """Run one role until stopped."""
    configure_logging(runtime.config)
    if PARENT_VARIABLE not in os.environ:
        warn_of_exposure(runtime.config)
    restarts.start_beats()
    with traced(role, runtime.config), _own_listener(role, runtime):
        reach(runtime)
        runtime = as_changed(role, runtime)
        if role == API:
            from ticketing.api.server import serve

            verified_topics(role, runtime)
            serve(runtime, watched(runtime))
            return
        app = build(role, runtime)
        freeze_garbage_collector()
        worker = app.Worker(
            loglevel=runtime.config.log.level.upper(), quiet=True, override_logging=False
        )
        worker.execute_from_commandline()


def as_changed(role: str, runtime: Runtime) -> Runtime:
    """The runtime with the settings that were changed while running.

    A supervisor has handed them over already. Raises Misconfigured for the role of a platform that
    was disabled so.
    """
    if runtime.changed is not None:
        return runtime
    runtime = with_changed(runtime, partial(secrets_alone, role))
    if role not in roles(runtime.config):
        raise Misconfigured(f"{role}.enabled: was set to false by the API; this role has no work")
    return runtime


def reach(runtime: Runtime) -> None:
    """Wait for Kafka, with a line of the log a second; raises Unavailable."""
    runtime.reach(seconds=WORKER_SECONDS_MAX, waiting=log.get(__name__).warning)


def _own_listener(role: str, runtime: Runtime) -> AbstractContextManager[Any]:
    """The listener of a process without a supervisor; a supervisor's child has none."""
    child = PARENT_VARIABLE in os.environ
    return nullcontext() if child else metrics_listener(runtime, [role])


def freeze_garbage_collector() -> None:
    """Search for cycles rarely: a worker holds many records, freed by their reference counts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def build(role: str, runtime: Runtime) -> TicketingApp:
    """The Faust app of a role, with its agents, tables and tasks.

    Raises TopicsRefused if the topics of the role are not as they should be; makes missing ones.
    """
    topics = verified_topics(role, runtime)
    builders: dict[str, Callable[[Runtime], TicketingApp]] = {
        PIPELINE: partial(_pipeline, topics=topics),
        TRACES_ROLE: _traces,
        SUMMARIES: _summaries,
        VIEW: _view,
    }
    builder = builders.get(role)
    app = _adapter(role, runtime) if builder is None else builder(runtime)
    app.role_topics = topics
    if not runtime.embedded:
        app.topic_watch = TopicWatch(runtime, read_by(role, runtime), partial(changed, topics))
        app.watchdog.add(app.topic_watch.verdict, "topics")
        app.watchdog.look_after(app.topic_watch.guard)
    _attach(app, role)
    return app


def _app(role: str, runtime: Runtime, batched: list[str]) -> TicketingApp:
    from ticketing.api.connections import Runner
    from ticketing.api.door import door_of
    from ticketing.api.faust_door import close_door

    web = runtime.config.faust_web
    offset = default_roles(runtime.config).index(role)
    port = web.port + offset if web.port else free_port()
    app = create_app(
        app_of(role),
        runtime.config,
        batched=batched,
        brokers=runtime.brokers,
        partitions=runtime.partitions,
        web_port=port if web.enabled else None,
        pace_seconds=PACE_SECONDS.get(role, 0.0),
    )
    close_door(app.web.web_app, runtime.config, door_of(runtime))
    app.web._runner = Runner(app.web.web_app)
    return app


def _pipeline(runtime: Runtime, topics: RoleTopics) -> TicketingApp:
    from agents.alerts import AlertMachine
    from agents.detection import DetectionAgent
    from agents.detection_run import Detector
    from agents.heartbeat import heartbeat_for
    from agents.incidents import IncidentMachine
    from agents.shown_totals import ShownTotals
    from sinks.agent import SinkAgent
    from ticketing.config.alert_policy import alert_policy
    from ticketing.config.policy import policy
    from ticketing.engine.keyed_agent import KeyedAgent, add_keyed_agent
    from ticketing.engine.path_reporter import PathReporter

    config = runtime.config
    app = _app(PIPELINE, runtime, [*runtime.inputs, SIGNALS, EVENTS, INCIDENTS])
    # A broker that gives no ids leaves the names.
    ids = {name: topics.ids.get(name) or name for name in runtime.inputs}
    detection = DetectionAgent(
        app,
        app.watchdog,
        app.fence,
        Detector.of(config, ids),
        signals_partitions=runtime.partitions,
        message_bytes_max=config.kafka.message_max_bytes,
        gaps_fail=runtime.embedded,
        hold_seconds=0.0 if runtime.embedded else HOLD_SECONDS,
    )
    shown = ShownTotals(app, detection.totals, detection.topics)
    heartbeat = heartbeat_for(config)

    def hurry() -> None:
        app.consumer.hurry()

    alerts: KeyedAgent[Any] = KeyedAgent(
        app,
        app.watchdog,
        app.fence,
        name="alerts",
        topic=SIGNALS,
        table=create_table(app, "alerts", runtime.partitions, is_open=is_stored_firing),
        machine=AlertMachine(
            alert_policy(config),
            inputs=runtime.inputs,
            counted=shown.counted,
            partitions=runtime.partitions,
            hurry=hurry,
        ),
    )
    incidents: KeyedAgent[Any] = KeyedAgent(
        app,
        app.watchdog,
        app.fence,
        name="incidents",
        topic=EVENTS,
        table=create_table(
            app,
            "incidents",
            runtime.partitions,
            is_open=is_stored_open,
            owner=stored_incident_of,
        ),
        machine=IncidentMachine(
            policy(config, runtime.partitions),
            partitions=runtime.partitions,
            topic_id=topics.ids.get(EVENTS) or EVENTS,
            reported=heartbeat.report if heartbeat else None,
            hurry=hurry,
        ),
    )
    app.described = lambda pulse: msgspec.structs.replace(pulse, followed=detection.followed)
    add_agent(app, detection, *runtime.inputs)
    add_keyed_agent(app, alerts)
    add_keyed_agent(app, incidents)
    sinks = SinkAgent(
        app,
        app.watchdog,
        app.fence,
        config.enabled_platforms(),
        partitions=runtime.partitions,
    )
    add_agent(app, sinks, INCIDENTS)
    app.task(detection.report_progress)
    app.task(shown.run)
    if heartbeat is not None:
        app.task(PathReporter(app, EVENTS, incidents.handled).run)
        app.task(PathReporter(app, INCIDENTS, sinks.handled).run)
        app.task(lambda: heartbeat.run(app))
    return app


def _view(runtime: Runtime) -> TicketingApp:
    from agents.view import add_view
    from agents.view_rebuild import keep_complete
    from ticketing.api.server import start
    from ticketing.view.store import open_store

    app = _app(VIEW, runtime, [INCIDENTS, ALERTS])
    store = open_store(runtime.config)
    add_view(app, store)
    app.task(lambda: start(runtime, store, watched(runtime)))
    app.task(lambda: keep_complete(runtime, store, lambda: bool(app.should_stop)))
    return app


def _traces(runtime: Runtime) -> TicketingApp:
    from agents.evidence import EvidenceAgent
    from agents.traces import TracesAgent, correlator_for
    from ticketing.domain.incidents.policy import GROUP_BY_CAUSE

    app = _app(TRACES_ROLE, runtime, [TRACES, EVIDENCE])
    traces = TracesAgent(
        app,
        app.watchdog,
        app.fence,
        # Verdicts decide nothing under other groupings.
        correlator_for(runtime.config, tallies=runtime.config.grouping.by == GROUP_BY_CAUSE),
        partitions=runtime.partitions,
        message_bytes_max=runtime.config.kafka.message_max_bytes,
    )
    evidence = EvidenceAgent(app, app.watchdog, app.fence, events_partitions=runtime.partitions)
    add_agent(app, traces, TRACES)
    add_agent(app, evidence, EVIDENCE)
    app.task(traces.tell)
    app.task(evidence.tell)
    return app


def _summaries(runtime: Runtime) -> TicketingApp:
    from agents.summaries import add_summaries

    app = _app(SUMMARIES, runtime, [INCIDENTS])
    add_agent(app, add_summaries(app, runtime), INCIDENTS)
    return app


def _adapter(platform: str, runtime: Runtime) -> TicketingApp:
    from sinks.delivery.adapter import add_adapter

    app = _app(platform, runtime, [platform_topic(platform)])
    add_adapter(app, platform, runtime)
    return app


def _attach(app: TicketingApp, role: str) -> None:
    """Add the fence, the watchdog and the readiness gauge to an app."""
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is not None:
        gone = "the supervisor is gone"
        app.watchdog.add(lambda: None if os.getppid() == int(parent) else gone, "orphaned")
        # Started at once, as the app never reaches its tasks if the broker ended with the
        # supervisor.
        app.watchdog.start()

    def waiting() -> bool:
        if app.rebalancing or app.in_recovery or app.should_stop:
            return False
        return any(not queue.empty() for queue in _queues(app))

    def is_ready() -> bool:
        return not app.rebalancing and not app.in_recovery and bool(app.consumer.assignment())

    async def start_guards() -> None:
        app.watchdog.add(app.watchdog.undelivered(waiting))
        app.fence.attach(app)
        app.watchdog.start()

    async def tell_ready() -> None:
        shown = AppMetrics(app, role)
        while not app.should_stop:
            # The watchdog looks after the other guards, and nobody but this task after it.
            why = app.watchdog.guard.keep_alive()
            if why is not None:
                leave(why, "guard")
            ready = is_ready()
            metrics.app_ready.labels(role).set(1 if ready else 0)
            if ready:
                restarts.note_ready()
            shown.update()
            await app.sleep(READY_EVERY_SECONDS)

    PulseSender(app, role, is_ready).attach()
    app.task(start_guards)
    app.task(tell_ready)


def _queues(app: TicketingApp) -> list[Any]:
    """The queue of each agent. Called from the watchdog's thread."""
    actors = [actor for agent in list(app.agents.values()) for actor in list(agent._actors)]
    return [actor.stream.channel.queue for actor in actors]


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(name)
    launch.prepare()
    runtime = Runtime.from_environ()
    configure_logging(runtime.config)
    runtime = as_changed(PIPELINE, runtime)
    made = build(PIPELINE, runtime)

    lasting = ExitStack()

    def starting() -> None:
        # On a worker's start only, as Faust's other commands import the app too.
        lasting.enter_context(traced(PIPELINE, runtime.config))
        lasting.enter_context(_own_listener(PIPELINE, runtime))

    made.starting = starting
    # The runtime is kept, as an embedded broker ends with it.
    globals().update(app=made, _runtime=runtime, _lasting=lasting)
    return made
