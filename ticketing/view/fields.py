"""The fields of incidents and alerts as the API shows them, with type and meaning.

The tables of docs/api.md and the schemas of the API's description are made of these. A name is the
path to the field: `[]` stands for the elements of a list, `?` follows a part that may be null. A
type is one of `types` in words, with a remark behind a comma; `like` names the fields that a group
shares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its path, its type in words, its meaning."""

    path: str
    type: str
    meaning: str

    @property
    def name(self) -> str:
        """The path as people read it."""
        return self.path.replace("?", "")

    @property
    def like(self) -> str | None:
        """The name of the list whose elements this field's groups are like."""
        found = _LIKE.search(self.meaning)
        return found[1] if found else None


_LIKE = re.compile(r"as `([^`]+\[\])`")


def _fields(text: str) -> Iterator[Field]:
    """The fields in a text: `path: type` at the margin, the meaning indented below."""
    for block in re.split(r"\n(?=\S)", text.strip()):
        head, *meaning = block.splitlines()
        path, _, type = head.partition(": ")
        yield Field(path, type, " ".join(line.strip() for line in meaning))


LISTED = tuple(
    _fields(
        """
id: text
    two times 16 hex digits, the first of the scope; never changes, never used again
severity: text
    `critical`, `high`, `medium`, `low`; rises, never falls
status: text
    `open`, `acknowledged`, `escalated`, `resolved`
service: text
    the service of the alert where it began
title: text
    that alert's: the first line of its first record, at most 200 characters
anomalyScore: number, 0 to 1
    the highest of all its records
affectedServices: list of text
    the services of its alerts and all others that suffer, by its records and its traces
traceId: text or null
    one of its traces
createdAt: time
    when it was opened
updatedAt: time
    when it last changed
platforms: list of text
    every platform it was ever routed to
tenantId: text
    the tenant, `default` if its records name none
environment: text
    as its records say, or empty
priority: text
    `P1` critical, `P2` high, `P3` medium, `P4` low
kind: text
    `fault`: one fault; `overflow`: further patterns of a service; `collective`: lists
    incidents above a ceiling of pages; `stray`: lines of a service's stack traces that came
    as records of their own, which never page
revision: number
    rises with every change that is shown
count: number of records
    exact, the sum over its alerts
alertsTotal: number of alerts
    in it
alertsFiring: number of alerts
    of them that fire
alertServices: list of text
    the services of its alerts, `service` first
windows[].start: time
    start of a window of `anomaly.lookbackWindow`; in lists the latest 24
windows[].count: number of records
    counted in it
firstSeen: time
    earliest record
lastSeen: time
    latest record
tickets[].platform: text
    the platform
tickets[].state: text
    `pending`, `open`, `acknowledged`, `escalated`, `resolved`, or `rejected`
tickets[].revision: number
    the incident's revision that the ticket shows
tickets[].externalId: text
    the platform's id of it, or empty
tickets[].key: text
    what people call it, such as `OPS-4`, or empty
tickets[].url: text
    its address, or empty
tickets[].error: text
    why it could not be written, or empty
tickets[].onCall: text
    who was on call there when it was last written, or empty
tickets[].updatedAt: time
    when the platform last answered
undelivered[].platform: text
    a platform that did not take it, while it lasts
undelivered[].reason: text
    `rejected`, `not_in_time` (it went to the fallback instead), `failing` (it is tried again and
    again)
undelivered[].since: time
    since when
rootCause: text or null
    the service in which it probably began
ticketed: yes/no
    whether platforms are to hold tickets for it; once yes, always
waitingFor?.occurrences: number
    the ticket waits for so many anomalies within a window (`anomaly.minimumCount`);
    `waitingFor` is null where none does
sporadic: yes/no
    whether its ticket waits, as it comes no more often than before
    ([incidents.md](incidents.md#grouping-by-cause))
noTicket: text or null
    why it has no ticket of its own now, in a sentence
collectiveId: text or null
    id of the collective incident that lists it, until it has a ticket of its own
heldAt: time or null
    since when it has been listed there
listed: number of incidents
    how many a collective one lists, or has listed
endsAt: time or null
    of a collective one: by when all that it lists have tickets of their own
previous: text or null
    id of the incident of the same alert before it
splitFrom: text or null
    id of the incident that somebody split it from
mergedInto: text or null
    id of the incident that has its alerts now, after a merge or a move of the last one
page: number
    of the latest page: 1 for that of its opening, and one more for each later one
pagedAt: time or null
    when that was; null before the first
quietly: yes/no
    whether its ticket pages nobody, as somebody has seen the collective incident
ticketAt: time
    when its ticket is due, if nothing else is in the way
assignees: list of text
    people who see to it
snoozedUntil: time or null
    firing again pages nobody before that time
flapping: yes/no
    whether it was reopened several times lately (`flapping.*`)
acknowledgedAt: time or null
    when it was acknowledged
escalatedAt: time or null
    when it was escalated
escalatedTo: list of text
    platforms or teams it was escalated to
resolvedAt: time or null
    when it was resolved
resolution: text or null
    how: `quiet`, `command`, `merged`, `moved`; null until it is resolved
actions[].name: text
    a [command](#commands) that its status allows
actions[].leadsTo: text or null
    the status it leads to; null where the status stays
actions[].needs: text or null
    the first field that its body must have
"""
    )
)
"""Of an incident, in lists and alone."""

ALONE = tuple(
    _fields(
        """
fingerprint: text, 16 hex digits
    of the alert where it began
scope: text, 16 hex digits
    of tenant and environment, within which alerts may share an incident
pattern: text
    that alert's message with its values masked
alerts[].fingerprint: text, 16 hex digits
    of an alert: tenant, environment, service and pattern
alerts[].service: text
    its service
alerts[].title: text
    its title
alerts[].severity: text
    its severity
alerts[].state: text
    `firing`, or `quiet`
alerts[].kind: text
    `pattern`, `overflow` or `stray`
alerts[].episode: number
    rises with each time that it fires again after it was quiet
alerts[].count: number of records
    exact, within this incident
alerts[].firstSeen: time
    its earliest record
alerts[].lastSeen: time
    its latest record
alerts[].lastArrivedAt: time
    when that arrived
alerts[].waitingFor?.occurrences: number
    as `waitingFor`, for this alert
alerts[].minutes: list of objects
    counts by minute for the first hour, as `windows[]`
alerts[].evidence: object or null
    one record, as `evidence[]`
alerts[].reason: text
    why it is in this incident
alerts[].topic: text
    where its first record stands, or empty
alerts[].partition: number
    the partition
alerts[].offset: number
    the offset
alerts[].config: text
    the version of the configuration that decided about it
lists[].id: text
    of a collective incident: one that it lists, at most 50, latest last
lists[].tenantId: text
    its tenant
lists[].service: text
    its service
lists[].title: text
    its title
lists[].severity: text
    its severity
lists[].at: time
    since when
merged: list of text
    ids of incidents whose alerts it took
staysOn: list of text
    of a merged one: platforms where its ticket stays, until the other one holds one there or
    is resolved
quietSince: time or null
    when the latest record arrived, once all its alerts are quiet; null while one fires
config: text
    the version of the configuration that decided last
endpoints: list of text
    where it was seen
reopenings: list of times
    when it was reopened
timeline[].seq: number
    rises by one; a gap shows where steps were let go
leftOut.steps: number of steps
    that the timeline had and has not any more
leftOut.evidence: list of text
    what else went, in part or whole, to keep the record below 64 kB: `samples`, `traces`,
    `attributions`, `notes` (texts of steps), `affected`, `links`, `failures`, `summary`,
    `correlation`, `reasons`, `descriptions`, `details`
timeline[].at: time
    when
timeline[].kind: text
    `opened`, `severity_raised`, `acknowledged`, `escalated`, `resolved`, `reopened`,
    `flapping`, `held`, `grouped`, `repaged`, `merged`, `moved`, `snoozed`, `assigned`,
    `note`, `unlinked`, `ticketed`, `routed`, `receipt`, `fallback`, `comment`, `correlated`,
    `summarized`
timeline[].by: text
    who: a person, a platform, `policy`, or empty
timeline[].text: text
    a note, or what happened in words
trace.ids: list of text
    requests that its records belong to
trace.correlation: object or null
    what the requests say: [below](#what-the-requests-say); null until something is known
cause?.service: text
    with `grouping: cause`: the service in which the fault began, by evidence; `cause` is null
    until a verdict says so
cause?.strength: number
    the evidence, in nats (log-likelihood ratio)
cause?.at: time
    the time in the log as of which it was told
cause?.reasons: list of text
    up to three
links[].id: text or null
    another incident that shares requests
links[].fingerprint: text
    its fingerprint
links[].service: text
    its service
links[].title: text
    its title
links[].relation: text
    what it is to this one: `cause`, `symptom`, `same_cause`, `related`
links[].traces: number of requests
    that both share
unlinked: list of text
    fingerprints that somebody has unlinked from it
attributions[].since: time
    first anomaly of an outbreak
attributions[].until: time
    its last one
attributions[].candidates: list of objects
    what it was laid to, as `trace.correlation.candidates[]`
facts[].name: text
    a stable name of a fact: `status`, `where`, `tenant`, `since`, `last_seen`, `count`,
    `counts`, `stands_for`, `blast_radius`, `impact`, `likely_cause`, `causal_chain`,
    `linked`, `pattern`, `traces`, `left_out`, `id`; those without a text are left out
facts[].label: text
    its label for people, as tickets have it
facts[].text: text
    the fact, in a line; it may quote a log line
counts.total: number of records
    as `count`
counts.windows: list of objects
    all that are kept (96), as `windows[]`
evidence[].at: time
    when the record happened
evidence[].message: text
    at most 2,000 characters
evidence[].level: text
    its level, or empty
evidence[].score: number, 0 to 1
    its anomaly score
evidence[].traceId: text
    its request, or empty
evidence[].spanId: text
    its span, or empty
evidence[].endpoint: text
    its endpoint, or empty
evidence[].host: text
    its host, or empty
evidence[].topic: text
    the topic where it stands
evidence[].partition: number
    the partition
evidence[].offset: number
    the offset
failures[].platform: text
    a platform that did not take it
failures[].reason: text
    why, in a word
failures[].text: text
    why, in a sentence
failures[].at: time
    when that was noted
commands[].id: text
    the `Idempotency-Key`, or what was made up
commands[].applied: yes/no
    whether it was applied
commands[].status: text
    the incident's status since
commands[].at: time
    when it was decided
commands[].reason: text
    why it was refused, or empty
commands[].action: text or null
    what was asked for
summary.generatedBy: text
    `rules`, or `<provider>/<model>`
summary.generated: yes/no
    whether a model wrote it
summary.revision: number
    the incident's revision it was written of
summary.title: text
    a headline
summary.text: text
    what happened, in a few sentences
summary.rootCause: text
    the likely cause, or empty
summary.impact: text
    what it means for users, or empty
summary.steps: list of text
    what to do next
summary.severity: text or null
    a model's opinion of the severity
summary.tags: list of text
    words to find it by
"""
    )
)
"""Of an incident alone."""

TRACED = tuple(
    _fields(
        """
trace.correlation?.since: time
    first anomaly of the outbreak
trace.correlation?.until: time
    its last one so far
trace.correlation?.traces: number of requests
    that this rests on
trace.correlation?.method: text
    what the trees of calls rest on
trace.correlation?.rootCause: object or null
    the first candidate, as `trace.correlation.candidates[]`
trace.correlation?.candidates[].service: text
    where its own requests lead to, most first; the cause by a verdict is `cause`
trace.correlation?.candidates[].score: number
    the incident's requests that lead to it; a request may count in parts
trace.correlation?.candidates[].share: number, 0 to 1
    its part of these requests
trace.correlation?.candidates[].reasons: list of text
    up to three
trace.correlation?.causalChain: list of text
    from the cause to the entry, in words
trace.correlation?.path[].service: text
    a call on the way of the request, from the entry on
trace.correlation?.path[].endpoint: text
    its operation
trace.correlation?.path[].at: time
    its beginning
trace.correlation?.path[].milliseconds: milliseconds
    how long it took
trace.correlation?.path[].ownMilliseconds: milliseconds
    that without the calls it made
trace.correlation?.path[].failed: yes/no
    whether it failed
trace.correlation?.path[].depth: number of calls
    that it lies below the entry
trace.correlation?.edges[].caller: text
    a service that calls another one in the incident's requests; those that fail most first, 40 at
    most
trace.correlation?.edges[].callee: text
    the one that it calls
trace.correlation?.edges[].requests: number of requests
    with such a call
trace.correlation?.edges[].failed: number of requests
    of these, with one that failed
trace.correlation?.affectedServices: list of text
    services that suffer, by these requests
trace.correlation?.affectedEndpoints: list of text
    `<service> <endpoint>` of these
trace.correlation?.blastRadius.services: number of services
    that suffer
trace.correlation?.blastRadius.endpoints: number of endpoints
    that suffer
trace.correlation?.blastRadius.tenants: number of tenants or null
    with an outbreak in the same service; null for a principal of some tenants
trace.correlation?.blastRadius.failingShare: number, 0 to 1
    of the recent requests by the same entries, those that fail
trace.correlation?.blastRadius.failingShareBefore: number, 0 to 1
    the same, before
trace.correlation?.blastRadius.requests: number of requests
    recent ones by the same entries
trace.correlation?.samples[].traceId: text
    a telling request
trace.correlation?.samples[].at: time
    its beginning
trace.correlation?.samples[].milliseconds: milliseconds
    how long it took
trace.correlation?.samples[].spans: number of spans
    in it
trace.correlation?.samples[].services: number of services
    in it
trace.correlation?.samples[].depth: number of calls
    one below the other
trace.correlation?.samples[].failed: yes/no
    whether it failed
trace.correlation?.samples[].why: text
    why it was chosen
trace.correlation?.samples[].method: text
    what its tree rests on
trace.correlation?.samples[].path: list of objects
    as `trace.correlation.path[]`
trace.correlation?.samples[].calls: list of objects
    as `trace.correlation.path[]`: all calls, callers before callees; 24 of the first sample and 8
    of a further one, those on the path and those that failed first
trace.correlation?.samples[].timeline[].at: time
    of a log line
trace.correlation?.samples[].timeline[].service: text
    who wrote it
trace.correlation?.samples[].timeline[].endpoint: text
    at which operation
trace.correlation?.samples[].timeline[].level: text
    its level
trace.correlation?.samples[].timeline[].message: text
    cut
trace.correlation?.samples[].timeline[].depth: number of calls
    how deep among the calls, 0 at the entry
trace.correlation?.samples[].timeline[].score: number, 0 to 1
    its anomaly score
trace.correlation?.samples[].omitted: number of lines
    that the timeline leaves out
trace.correlation?.samples[].skewed: number of spans
    that were moved, as clocks of hosts differ
"""
    )
)
"""Of an incident alone: what traces tell."""

ALERT = tuple(
    _fields(
        """
fingerprint: text, 16 hex digits
    of tenant, environment, service and pattern
tenantId: text
    the tenant
environment: text
    the environment, or empty
service: text
    the service that logs the error
pattern: text
    the message with its values masked
title: text
    the first line of the first record
severity: text
    `critical`, `high`, `medium`, `low`; the highest of the episode
state: text
    `firing`, or `quiet` after `anomaly.quietAfter` without a record
kind: text
    `pattern`; `overflow`: new patterns beyond `storm.maxPatternsPerService`; `stray`: lines
    of stack traces
episode: number
    rises with each time that it fires again after it was quiet
revision: number
    rises with every change within the episode
count: number of records
    exact, of the episode
frames: number of records
    of them, lines of stack traces; windows and minutes leave these out
anomalyScore: number, 0 to 1
    the highest
firstSeen: time
    earliest record
lastSeen: time
    latest record
arrivedAt: time
    when the first record arrived
lastArrivedAt: time
    when the latest one did
quietAt: time or null
    when it became quiet
waitingFor?.occurrences: number
    a ticket waits for so many within a window (`anomaly.minimumCount`); `waitingFor` is null
    where none does
windows[].start: time
    start of a window of `anomaly.lookbackWindow`
windows[].count: number of records
    counted in it
minutes[].start: time
    start of a minute of the first hour
minutes[].count: number of records
    counted in it
evidence: list of objects
    records, as `evidence[]` of the incident
traceIds: list of text
    requests that its records belong to
endpoints: list of text
    where it was seen
affectedServices: list of text
    others that suffer, by its records
leftOut: list of text
    what was cut so that the alert stays small
config: text
    the version of the configuration that decided
"""
    )
)
"""Of an alert."""

OTHER_NAMES = tuple(
    _fields(
        """
ticket_id: text
    `id`
@timestamp: time
    `createdAt`
tenant_id: text
    `tenantId`
description: text
    `summary.text`
anomaly_type: text
    `kind`
anomaly_score: number, 0 to 1
    `anomalyScore`
affected_services: list of text
    `affectedServices`
affected_endpoint: text
    the first of `endpoints`, or empty
causal_chain: list of text
    `trace.correlation.causalChain`, or an empty list
trace_id: text
    `traceId`, or empty
error_message: text
    the first message of `evidence`, or empty
created_at: time
    `createdAt`
updated_at: time
    `updatedAt`
resolved_at: time
    `resolvedAt`; left out until it is resolved
"""
    )
)
"""Of an incident alone, once more under the names of LogClaw's document, with what each repeats."""
