"""The closed list of metrics: names, types, labels and help.

Labels take few values by construction: platforms, severities, apps, topics and partitions that are
read, configured models and closed lists of reasons; never a tenant, a service or an address.

To add a metric: a line here, the product code that sets it, and
`python -m ticketing.metrics.reference docs/metrics.md`.
"""

from __future__ import annotations

from ticketing.metrics.declaration import (
    counter,
    histogram,
    latest_gauge,
    one_of,
    owned_counter,
    summed_gauge,
)

# A call of a platform: from a quick answer to a timeout with its retries.
_DELIVERY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
# The time to a ticket, and to a model's answer: usually seconds, minutes in trouble.
_PATH_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0)
# From a log to its page: `groupWait` and then seconds, minutes in trouble.
_PAGE_BUCKETS = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
# Tables come back within a second from their disk, within minutes from their changelogs.
_RECOVERY_BUCKETS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
# A row: a few hundred bytes; its bound is 64 kB (ticketing/domain/incidents/bounds.py).
_ROW_BUCKETS = (256.0, 1024.0, 4096.0, 16_384.0, 32_768.0, 65_536.0, 262_144.0)
# A batch: usually milliseconds; after sixty seconds the watchdog ends the process.
_BATCH_BUCKETS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)

_PLATFORM = "each enabled platform"
_SEVERITY = one_of("critical", "high", "medium", "low")
_AGENT = one_of(
    "detection",
    "alerts",
    "incidents",
    "sinks",
    "view",
    "view-alerts",
    "traces",
    "evidence",
    "summaries",
    "<platform>-adapter",
)
_KEYED_AGENT = one_of("alerts", "incidents", "<platform>-adapter")
_ROLE = "each role of the worker"
_APP = "each role of the worker but `api`"
_TABLE = one_of("alerts", "incidents", "deliveries")
_GUARD = one_of("watchdog", "topic watch")
_PROVIDER = "each model of `llm` as `<provider>/<model>`"
_SOURCE = {"topic": "each topic of `input.topics`", "partition": "of that topic"}

# Conservation: records = below threshold + counted + dead-lettered, once all are handled.
records_total = owned_counter("records_total", "Input records read.", **_SOURCE)
records_below_threshold_total = owned_counter(
    "records_below_threshold_total", "Input records below `anomaly.minimumScore`.", **_SOURCE
)
anomalies_counted_total = owned_counter(
    "anomalies_counted_total",
    "Input records counted in an alert.",
    partition="of `ticketing-signals`",
)
records_dead_lettered_total = owned_counter(
    "records_dead_lettered_total",
    "Input records that could not be handled.",
    reason=one_of(
        "empty",
        "undecodable",
        "invalid_score",
        "no_service",
        "invalid_service",
        "no_message",
        "invalid_tenant",
        "failed",
        "too_large",
        "deadly",
    ),
    **_SOURCE,
)
records_repaired_total = owned_counter(
    "records_repaired_total",
    "Input records with bytes that are not JSON in UTF-8, read with U+FFFD in their place.",
    **_SOURCE,
)
records_unscored_total = owned_counter(
    "records_unscored_total",
    "Input records without an anomaly score: unsuspicious, or with `anomaly.scoring: level` judged by"
    " their level.",
    **_SOURCE,
)
clock_corrections_total = owned_counter(
    "clock_corrections_total",
    "Input records whose event time was implausible and was replaced.",
    **_SOURCE,
)

messages_expired_total = counter(
    "messages_expired_total",
    "Messages that Kafka deleted, by the topic's retention, before they were read. Offsets of "
    "transactions among them are counted too.",
    topic="each topic that a worker reads",
    partition="of that topic",
)

signals_total = counter(
    "signals_total",
    "Signals handled by the counter of alerts.",
    kind=one_of(
        "anomalies",
        "progress",
        "origin",
        "forget",
        "tick",
        redriven="anomalies from the dead letters",
    ),
)
alerts_firing = summed_gauge(
    "alerts_firing", "Alerts that are not quiet, in the partitions of this worker."
)
alerts_opened_total = counter(
    "alerts_opened_total",
    "Alerts that began to fire, for the first time or again.",
    severity=_SEVERITY,
)
incidents_open = summed_gauge(
    "incidents_open", "Incidents that are not resolved, in the partitions of this worker."
)
incidents_opened_total = counter("incidents_opened_total", "Incidents opened.", severity=_SEVERITY)
incidents_reopened_total = counter(
    "incidents_reopened_total", "Incidents reopened.", severity=_SEVERITY
)
incidents_resolved_total = counter(
    "incidents_resolved_total", "Incidents resolved.", severity=_SEVERITY
)
incidents_escalated_total = counter(
    "incidents_escalated_total",
    "Escalations of incidents.",
    by=one_of("command", policy="nobody acknowledged in time"),
)
incidents_held_total = counter(
    "incidents_held_total",
    "New incidents above a ceiling (`storm.maxPagesPerMinute`, `storm.maxPagesPerScope`), listed in a "
    "collective incident until their turn.",
)
pages_total = counter(
    "pages_total", "Pages of incidents, first and further ones.", severity=_SEVERITY
)
events_total = counter(
    "events_total",
    "Events handled by the incidents' writer.",
    kind=one_of(
        "alert", "command", "receipt", "progress", "correlation", "verdict", "summary", "tick"
    ),
)
fallbacks_total = counter(
    "fallbacks_total",
    "Incidents sent to `routing.fallback`.",
    platform=_PLATFORM,
    reason=one_of("not_in_time", "rejected"),
)
rows_set_aside = summed_gauge(
    "rows_set_aside",
    "Stored rows of this worker's partitions that can't be read, or whose rules fail.",
    agent=_KEYED_AGENT,
)
recovery_records_left = summed_gauge(
    "recovery_records_left",
    "Records of changelogs that this worker has still to read back; 0 once its tables are recovered.",
)
rules_failed_total = counter(
    "rules_failed_total",
    "Failures of a rule for a stored row, which then waits, or for a whole batch.",
    agent=_KEYED_AGENT,
    rule=one_of(
        "due",
        "recover",
        "begin_batch",
        "end_batch",
        decode="the row can't be read",
        plan="the next request of a ticket",
        publish="the incident to the platforms and the view",
    ),
)
dead_letters_total = counter(
    "dead_letters_total",
    "Messages sent to the dead letters.",
    stage=one_of(
        "detection",
        "alerts",
        "incidents",
        "sinks",
        "<platform>-adapter",
        delivery="the platform refused",
    ),
    reason="the dead letter's own, short and without values",
)
wishes_left_out_total = counter(
    "wishes_left_out_total",
    "Snapshots not sent to a platform that their incident names and that is not enabled.",
)
wishes_unchanged_total = counter(
    "wishes_unchanged_total",
    "Snapshots not sent to a platform whose ticket they would not change.",
    platform=_PLATFORM,
)

delivery_fields_left_out_total = counter(
    "delivery_fields_left_out_total",
    "Fields of tickets that a platform refused or ignored in an operation that succeeded.",
    platform=_PLATFORM,
)
deliveries_total = counter(
    "deliveries_total",
    "Requests to platforms, by outcome.",
    platform=_PLATFORM,
    outcome=one_of("delivered", "absent", "retry_after", "rejected", "unknown"),
)
delivery_seconds = histogram(
    "delivery_seconds", "Time a request to a platform took.", _DELIVERY_BUCKETS, platform=_PLATFORM
)
ticket_seconds = histogram(
    "ticket_seconds",
    "Time from when an incident's ticket was due to the platform's first receipt.",
    _PATH_BUCKETS,
    platform=_PLATFORM,
)
log_to_page_seconds = histogram(
    "log_to_page_seconds",
    "Time from the arrival of an incident's first record in the input to the platform's first receipt, "
    "`groupWait` included.",
    _PAGE_BUCKETS,
    platform=_PLATFORM,
)
deliveries_pending = summed_gauge(
    "deliveries_pending",
    "Incidents that the platform has not taken as they are now: under way, waiting or failing.",
    platform=_PLATFORM,
)
circuit_open = latest_gauge(
    "circuit_open", "1 while a platform that does not answer gets probes only.", platform=_PLATFORM
)
heartbeats_total = counter(
    "heartbeats_total",
    "Calls of `heartbeatUrl`.",
    outcome=one_of("called", "failed", withheld="the path does not work"),
)

batch_seconds = histogram(
    "batch_seconds",
    "Time an agent took for a batch, until all that follows from it was durable.",
    _BATCH_BUCKETS,
    agent=_AGENT,
)
batch_records_total = counter("batch_records_total", "Records an agent handled.", agent=_AGENT)
app_ready = latest_gauge(
    "app_ready",
    "1 while the app has its partitions and tables and nothing rebalances.",
    app=_APP,
)
rebalances_total = counter(
    "rebalances_total",
    "Assignments of partitions by the consumer group, the first one of a process included.",
    app=_APP,
)
lag_records = summed_gauge(
    "lag_records",
    "Records of this worker's partitions that are not yet handled, as of the last fetch.",
    app=_APP,
    topic="each topic that the app reads",
)
table_rows = summed_gauge(
    "table_rows", "Rows of a table on this worker, about.", app=_APP, table=_TABLE
)
table_bytes = summed_gauge(
    "table_bytes", "Bytes of a table's files on this worker's disk.", app=_APP, table=_TABLE
)
row_bytes = histogram(
    "row_bytes", "Size of the largest row of each write to a table.", _ROW_BUCKETS, table=_TABLE
)
recovery_seconds = histogram(
    "recovery_seconds", "Time to read tables back from their changelogs.", _RECOVERY_BUCKETS
)
worker_restarts_total = counter(
    "worker_restarts_total",
    "Starts of a role's process after its end, counted by the supervisor.",
    role=_ROLE,
    reason=one_of(
        "ended",
        fault="an error",
        hung="by the watchdog",
        asleep="by the fence",
        missed="records were read and did not reach their agent",
        table="a damaged table",
        disk="refused",
        topics="missing, or made anew",
        guard="a guard that ended",
        orphaned="no supervisor",
        misconfigured="exit status 2",
        killed="by a signal",
    ),
)
worker_crash_looping = latest_gauge(
    "worker_crash_looping",
    "1 while a role's process ends again and again, as the supervisor sees it.",
    role=_ROLE,
)
tables_set_aside_total = counter(
    "tables_set_aside_total",
    "Damaged tables that were set aside and read back from their changelogs, a partition each.",
    table=_TABLE,
)
guard_failures_total = counter(
    "guard_failures_total", "Looks of a guard that failed; the guard goes on.", guard=_GUARD
)
guards_failing = summed_gauge(
    "guards_failing",
    "Processes whose guard failed at its last look, has ended or stands still.",
    guard=_GUARD,
)
view_writes_total = counter(
    "view_writes_total",
    "Incidents written to the view.",
    outcome=one_of("written", "deleted", stale="a newer one was there"),
)

spans_total = counter("spans_total", "Lines of requests followed.")
spans_passed_by_total = counter(
    "spans_passed_by_total",
    "Lines of requests that are not followed, as more come than evidence needs (docs/correlation.md).",
)
spans_dropped_total = counter(
    "spans_dropped_total",
    "Lines of requests let go before they told anything.",
    reason=one_of(
        "trace_full",
        "buffer_full",
        lost_messages="messages, not lines",
        undecodable="messages",
        too_large="messages",
    ),
)
tallies_total = counter(
    "tallies_total", "Tallies of requests that were told, one per scope and ten seconds of events."
)
verdicts_total = counter("verdicts_total", "Verdicts about the causes of a scope that were told.")
verdict_seconds = histogram(
    "verdict_seconds", "Time that the verdicts of a look took.", _PATH_BUCKETS
)
evidence_dropped_total = counter(
    "evidence_dropped_total",
    "Evidence let go before it told anything.",
    reason=one_of(
        late_requests="their ten seconds are forgotten",
        untold_requests="too many at once",
        calls="of more operations than a tally holds",
        scopes="the memory of the one unused for longest",
        waiting_full="tallies",
        out_of_bounds="tallies",
        undecodable="messages",
        too_large="messages",
        refused="verdicts",
    ),
)

llm_calls_total = counter(
    "llm_calls_total",
    "Calls of a language model, by how they ended.",
    provider=_PROVIDER,
    outcome=one_of(
        "answered",
        "timeout",
        "refused",
        "rate_limited",
        "unreachable",
        "wrong_answer",
        "error",
        resting="not asked",
    ),
)
llm_seconds = histogram("llm_seconds", "Time a call of a language model took.", _PATH_BUCKETS)
llm_cost_usd_total = counter("llm_cost_usd_total", "US dollars spent on language models.")
llm_rests_until_seconds = latest_gauge(
    "llm_rests_until_seconds",
    "Until when a model is left alone (Unix time); 0 for not.",
    provider=_PROVIDER,
)
summaries_total = counter(
    "summaries_total",
    "Incidents a summary was wanted for.",
    outcome=one_of(
        "written",
        "no_answer",
        "failed",
        "over_budget",
        kept="asked before",
        dropped="too many waited",
    ),
)
summaries_pending = summed_gauge("summaries_pending", "Incidents that wait for their summary.")

audit_entries_lost_total = counter(
    "audit_entries_lost_total", "Entries of the audit that Kafka did not take."
)
http_requests_total = counter(
    "http_requests_total",
    "Requests answered by the API.",
    method="the HTTP method, or `other`",
    status="the HTTP status",
)
