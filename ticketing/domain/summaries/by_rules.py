"""Summaries by rules alone: always there, and the only ones without a model."""

from __future__ import annotations

import re
from functools import lru_cache

from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.domain.text import cut, line, listed, moment

RULES = "rules"
"""The writer of a summary that no model wrote."""
# Parts of a summary, which is read at a glance: a headline, quotes of a line or two, few names.
TITLE_CHARS_MAX = 120
QUOTE_CHARS_MAX = 200
QUOTED_CHARS_MAX = 500
NAMES_MAX = 5
PATH_NAMES_MAX = 8
UNKNOWN = "at an unknown time"

_CAUSES = (
    (
        r"out ?of ?memory|oom[- ]?kill|heap space|cannot allocate memory",
        "the process ran out of memory",
    ),
    (r"no space left|disk (?:is )?full|disk quota", "a disk is full"),
    (r"too many open files|emfile", "the process has too many files or sockets open"),
    (
        r"(?:connection )?pool (?:is )?(?:exhausted|timeout|full)|too many connections|"
        r"unable to acquire (?:jdbc )?connection|no (?:free|available) connections?",
        "a connection pool is exhausted: something holds connections too long or the load is too high",
    ),
    (r"deadlock|lock wait timeout|could not serialize", "transactions block each other"),
    (
        r"unknown host|name or service not known|no such host|enotfound|nxdomain|"
        r"name resolution|getaddrinfo",
        "a host name can't be resolved",
    ),
    (
        r"certificate|x509|ssl ?handshake|tls handshake|pkix",
        "a TLS certificate is expired or not trusted",
    ),
    (
        r"connection refused|econnrefused|no route to host|host (?:is )?unreachable|"
        r"connection reset|econnreset|broken pipe|upstream connect error|unavailable|\b503\b|\b502\b",
        "something that it calls is down, restarting or can't be reached",
    ),
    (
        r"rate ?limit|too many requests|\b429\b|throttl|quota exceeded",
        "a quota or rate limit is used up",
    ),
    (r"circuit ?breaker", "a circuit breaker is open because the service behind it fails"),
    (
        r"time[ds]? ?-?out|deadline exceeded|etimedout|\b504\b|took too long",
        "something that it calls answers too slowly or not at all",
    ),
    (
        r"unauthori[sz]ed|forbidden|access denied|permission denied|authentication failed|"
        r"invalid credentials|\b401\b|\b403\b|token (?:has )?expired",
        "credentials or permissions are wrong or have expired",
    ),
    (
        r"(?:no such|unknown|missing) (?:table|column|relation)|"
        r"(?:table|column|relation)\b.{0,80}(?:does not|doesn't) exist|schema",
        "the code and the database schema don't fit together, as after a deployment or migration",
    ),
    (
        r"null ?pointer|nonetype|undefined is not|cannot read propert|index ?out ?of|"
        r"class ?cast|attributeerror|typeerror|keyerror|nil pointer|segmentation fault|panic:",
        "a defect in the code meets data that it does not expect",
    ),
    (
        r"(?:json|xml|parse|decode|deseriali[sz]|unmarshal)",
        "data arrives in a form that can't be read",
    ),
)
_CAUSES_COMPILED = tuple((re.compile(text), said) for text, said in _CAUSES)
CACHED_FAULTS_MAX = 2_048
"""Kinds of fault remembered, with some 1,200 characters each: 2.5 MB at most."""


def in_words(incident: Incident) -> Summary:
    """The summary to show: a model's if there is one, else that of the rules."""
    return by_rules(incident) if incident.summary is None else incident.summary


def by_rules(incident: Incident) -> Summary:
    """The summary by rules: title, fault, place, path, counts, times, impact, likely cause.

    A pure function of the incident. The text holds no markup, and all of it may be hostile.
    """
    return Summary(
        incident_id=incident.id,
        revision=incident.revision,
        generated_by=RULES,
        title=headline(incident),
        text=" ".join(
            filter(
                None,
                [
                    _what(incident),
                    _when(incident),
                    _path(incident),
                    _reach(incident),
                    _life(incident),
                ],
            )
        ),
        root_cause=likely_cause(incident),
        impact=_impact(incident),
    )


def headline(incident: Incident) -> str:
    """The fault and its place in a line: `payment gateway timed out in checkout (POST /pay)`."""
    service = line(incident.service) or "an unknown service"
    if incident.kind is Kind.OVERFLOW:
        return cut(f"many different new errors in {service}", TITLE_CHARS_MAX)
    if incident.kind is Kind.COLLECTIVE:
        return cut(f"{incident.listed} new incidents at once", TITLE_CHARS_MAX)
    if incident.kind is Kind.STRAY:
        return cut(f"lines of stack traces in {service}", TITLE_CHARS_MAX)
    where = f" in {service}"
    if len(incident.endpoints) == 1:
        where += f" ({cut(line(incident.endpoints[0]), 40)})"
    what = _fault(incident)
    return cut(what, max(40, TITLE_CHARS_MAX - len(where))) + where


def cause_of(incident: Incident) -> str:
    """The service where the fault began according to traces; empty if unknown."""
    return incident.root_cause


def likely_cause(incident: Incident) -> str:
    """The place where the fault began by traces, else the kind of fault in the error; may be empty."""
    kind = _kind_of_fault(incident)
    found = incident.correlation
    candidate = incident.cause or (found.root_cause if found is not None else None)
    if candidate is None:
        return f"probably {kind}" if kind else ""
    said = [cut(line(reason), QUOTE_CHARS_MAX) for reason in candidate.reasons[:3]]
    cause = line(candidate.service)
    if cause != line(incident.service):
        return f"it began in {cause}" + (f" ({'; '.join(said)})" if said else "")
    why = "; ".join(filter(None, [*said, kind]))
    return f"it began in {cause} itself" + (f": {why}" if why else "")


def _what(incident: Incident) -> str:
    service = line(incident.service) or "An unknown service"
    if incident.kind is Kind.COLLECTIVE:
        return (
            f"More incidents opened at once than may page: {incident.listed} of them are told in"
            " this one and get tickets of their own later."
        )
    times = "once" if incident.count == 1 else f"{incident.count:,} times"
    if incident.kind is Kind.OVERFLOW:
        return f"{service} logs many different new errors, {times} together."
    if incident.kind is Kind.STRAY:
        return f"{service} logs stack traces a record per line; such lines came {times}."
    where = listed(incident.endpoints, NAMES_MAX)
    return f'{service} logged "{_fault(incident)}" {times}' + (f", at {where}." if where else ".")


def _when(incident: Incident) -> str:
    first, last = moment(incident.first_seen, UNKNOWN), moment(incident.last_seen, UNKNOWN)
    seconds = max(0.0, incident.last_seen - incident.first_seen)
    if seconds < 1 or first == last:
        return f"Seen at {first}."
    return f"First seen {first}, last seen {last} ({_span(seconds)})."


def _path(incident: Incident) -> str:
    hops = [line(hop.service) for hop in incident.correlation.path] if incident.correlation else []
    names = [name for i, name in enumerate(hops) if name and (i == 0 or name != hops[i - 1])]
    if len(names) < 2:
        return ""
    shown = names[:PATH_NAMES_MAX] + (["…"] if len(names) > PATH_NAMES_MAX else [])
    return f"The request's path: {' → '.join(shown)}."


def _life(incident: Incident) -> str:
    said = []
    if incident.flapping:
        said.append(f"It keeps coming back: reopened {times(len(incident.reopenings))}.")
    elif incident.reopenings:
        said.append(f"Reopened {times(len(incident.reopenings))}.")
    if incident.previous:
        said.append(f"This fault was resolved before, in incident {incident.previous}.")
    if incident.merged_into:
        said.append(f"It goes on in incident {incident.merged_into}.")
    if incident.status is Status.RESOLVED:
        said.append("Resolved.")
    return " ".join(said)


def _reach(incident: Incident) -> str:
    named = dict.fromkeys(line(name) for name in incident.reach)
    others = [name for name in named if name and name != line(incident.service)]
    return f"Also affected: {listed(others, NAMES_MAX)}." if others else ""


def _impact(incident: Incident) -> str:
    share = incident.correlation.blast_radius.failing_share if incident.correlation else 0.0
    return f"{share:.0%} of the requests on its path fail" if share > 0 else ""


def _fault(incident: Incident) -> str:
    words = line(incident.title) or line(incident.pattern) or "unnamed fault"
    return cut(words.rstrip(". "), QUOTE_CHARS_MAX)


def _kind_of_fault(incident: Incident) -> str:
    if incident.kind is not Kind.FAULT:
        return ""
    sample = incident.samples[0].message[:QUOTED_CHARS_MAX] if incident.samples else ""
    return _named(incident.title, incident.pattern[:QUOTED_CHARS_MAX], sample)


@lru_cache(CACHED_FAULTS_MAX)
def _named(title: str, pattern: str, sample: str) -> str:
    """The kind of fault that an error names; remembered, as each summary of an incident needs it."""
    text = f"{title}\n{pattern}\n{sample}".lower()
    return next((said for expression, said in _CAUSES_COMPILED if expression.search(text)), "")


def times(number: int) -> str:
    """A number of times in words: `once`, `3 times`."""
    return "once" if number == 1 else f"{number} times"


def _span(seconds: float) -> str:
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size or (seconds >= size and unit == "minute"):
            number = int(seconds // size)
            return f"over {number} {unit}{'s' * (number > 1)}"
    number = max(1, int(seconds))
    return f"over {number} second{'s' * (number > 1)}"
