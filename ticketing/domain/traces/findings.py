"""The findings from an incident's traces, as the incident keeps them. Times are Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from ticketing.domain.open_enum import OpenEnum


class Relation(OpenEnum):
    """The relation of another incident to this one."""

    CAUSE = "cause"
    SYMPTOM = "symptom"
    SAME = "same_cause"
    """Both have the same cause, or are one event in two lines."""
    RELATED = "related"

    @property
    def nearest(self) -> Relation:
        """The relation that decides: an unknown one only relates, and holds nothing back."""
        return self if self.is_known else Relation.RELATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another incident with requests in common, named by fingerprint and service."""

    fingerprint: str
    service: str
    relation: Relation
    traces: int
    """The number of requests in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One log line in a request's timeline; `depth` is its span's in the tree of calls."""

    at: float
    service: str
    endpoint: str = ""
    level: str = ""
    message: str = ""
    depth: int = 0
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One call of a request, `depth` calls below its entry."""

    service: str
    endpoint: str = ""
    at: float = 0.0
    seconds: float = 0.0
    own_seconds: float = 0.0
    failed: bool = False
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One service calls another in so many requests; in `failed` of them such a call failed."""

    caller: str
    callee: str
    requests: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTrace:
    """One request in full, as far as it was kept.

    `method` names the basis of its tree of calls; `path` leads from the entry to the failure, `calls`
    are the most telling of all `spans`, callers before callees; `omitted` counts lines left out of
    the timeline.
    """

    trace_id: str
    at: float
    seconds: float
    spans: int
    services: int
    depth: int
    failed: bool
    why: str
    method: str
    path: list[Hop] = field(default_factory=list)
    calls: list[Hop] = field(default_factory=list)
    timeline: list[Moment] = field(default_factory=list)
    omitted: int = 0
    skewed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """The extent of an outbreak. Shares are of requests by the same entries: recent, and before."""

    services: int = 0
    endpoints: int = 0
    tenants: int = 1
    failing_share: float = 0.0
    failing_share_before: float = 0.0
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A service in which the fault may have begun; `share` is its part of all evidence."""

    service: str
    score: float
    share: float = 0.0
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """The candidates of an outbreak of the incident, strongest first."""

    since: float
    until: float
    candidates: list[Candidate] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that traces say about one outbreak of an incident, `since` and `until` in event time."""

    since: float
    until: float
    traces: int
    method: str = ""
    samples: list[SampleTrace] = field(default_factory=list)
    path: list[Hop] = field(default_factory=list)
    affected_services: list[str] = field(default_factory=list)
    affected_endpoints: list[str] = field(default_factory=list)
    blast_radius: BlastRadius = BlastRadius()
    causal_chain: list[str] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    """The calls between services in the incident's requests, the most failing first."""
    candidates: list[Candidate] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)

    @property
    def root_cause(self) -> Candidate | None:
        """The strongest candidate."""
        return self.candidates[0] if self.candidates else None
