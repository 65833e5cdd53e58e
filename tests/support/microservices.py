"""A made-up system of services that call each other, with faults in some of them: its log lines."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

START = 1_700_000_000.0


@dataclass
class Operation:
    service: str
    name: str
    own: float
    lines: int
    calls: list[Operation] = field(default_factory=list)
    ailing: float = 0.0
    """The share of calls that write an error which means nothing, from the beginning on."""


@dataclass
class Fault:
    """A fault in one operation, from `at` on for `seconds`, in a share of its calls.

    `exception` breaks off without a line, `return` with an error, `cpu` and `delay` slow the
    operation down, and `way` the way to it: the call begins late, and lasts as long as ever.
    """

    kind: str
    operation: Operation
    at: float
    share: float = 0.9
    seconds: float = math.inf

    def hits(self, operation: Operation, at: float, chance: random.Random) -> bool:
        """True if a call at this time goes wrong."""
        if self.operation is not operation or not self.at <= at < self.at + self.seconds:
            return False
        return chance.random() < self.share


class Failed(Exception):
    pass


SHAPES = ("mesh", "chain", "star")
"""Services call any others; each calls one or two that come soon after; some few are called by all."""


class System:
    """A system. `client_spans`: callees name a client's span that writes no line, so that ids lead
    nowhere. `ailing`: that many operations write errors from the beginning on. Without `traces`
    the lines name no request.
    """

    def __init__(
        self,
        seed: int,
        *,
        services: int = 12,
        client_spans: bool = True,
        noise: float = 0.03,
        shape: str = "mesh",
        ailing: int = 0,
        traces: bool = True,
    ) -> None:
        self.random = random.Random(seed)
        self.client_spans = client_spans
        self.noise = noise
        self.traces = traces
        names = [f"{self.random.choice(_WORDS)}{self.random.choice(_ENDS)}" for _ in range(99)]
        self.services = list(dict.fromkeys(names))[:services]
        self.operations: list[Operation] = []
        for service in self.services:
            for number in range(self.random.choice((1, 2, 2))):
                self.operations.append(
                    Operation(
                        service,
                        f"{service.title()}.op{number}",
                        own=self.random.uniform(0.002, 0.03),
                        lines=self.random.choice((1, 1, 2, 3, 4)),
                    )
                )
        for index, operation in enumerate(self.operations):
            later = [
                one for one in self.operations[index + 1 :] if one.service != operation.service
            ]
            count = self.random.choice((0, 1, 2, 3)) if index else 3
            if shape == "chain":
                later, count = later[:4], min(count, 2)
            elif shape == "star":
                later = later[-6:]
            operation.calls = self.random.sample(later, min(count, len(later)))
        self.entries = self.operations[:4]
        for operation in self.random.sample(self.operations, ailing) if ailing else ():
            operation.ailing = self.random.uniform(0.02, 0.2)
        self.number = 0
        self.usual: dict[str, float] = {}

    def reachable(self) -> list[Operation]:
        found: list[Operation] = []
        queue = list(self.entries)
        while queue:
            operation = queue.pop()
            if operation not in found:
                found.append(operation)
                queue += operation.calls
        return found

    def run(
        self, faults: Fault | Sequence[Fault] | None, seconds: float, rate: float = 1.0
    ) -> list[dict[str, Any]]:
        """Records by time."""
        some = [faults] if isinstance(faults, Fault) else list(faults or ())
        for operation in self.reachable():
            self.usual[operation.name] = 0.0
        records: list[dict[str, Any]] = []
        at = START
        while at < START + seconds:
            self.request(at, some, records)
            at += self.random.expovariate(rate)
        self._score(records, min((fault.at for fault in some), default=math.inf))
        if not self.traces:
            for record in records:
                for name in ("trace_id", "span_id", "parent_span_id"):
                    del record[name]
        return sorted(records, key=lambda record: str(record["@timestamp"]))

    def request(self, at: float, faults: list[Fault], records: list[dict[str, Any]]) -> None:
        self.number += 1
        trace = f"{self.random.getrandbits(128):032x}"
        entry = self.random.choice(self.entries)
        with contextlib.suppress(Failed):
            self._call(entry, at, trace, "", faults, records)

    def _call(
        self,
        operation: Operation,
        at: float,
        trace: str,
        parent: str,
        faults: list[Fault],
        records: list[dict[str, Any]],
    ) -> float:
        """When the call ends; raises Failed with that time."""
        span = f"{self.random.getrandbits(64):016x}"
        fault = next((one for one in faults if one.hits(operation, at, self.random)), None)
        kind = fault.kind if fault else ""
        if kind == "way":
            at += self.random.uniform(0.3, 0.8)
        begun = at
        if kind == "exception":
            raise Failed(at + 0.001)
        own = operation.own * self.random.uniform(0.8, 1.3)
        if kind == "cpu":
            own += self.random.uniform(0.3, 0.8)
        if kind == "delay":
            at += self.random.uniform(0.3, 0.8)
        written: list[dict[str, Any]] = []
        steps = max(operation.lines, len(operation.calls) + 1)
        failed: float | None = None
        for step in range(steps):
            if step < operation.lines:
                text = f"[{operation.name}] step {step} of request {self.number}"
                written.append(self._line(operation, at, trace, span, parent, "INFO", text))
            at += own / steps
            if step < len(operation.calls):
                called = f"{self.random.getrandbits(64):016x}" if self.client_spans else span
                try:
                    at = self._call(operation.calls[step], at, trace, called, faults, records)
                except Failed as error:
                    at = float(error.args[0]) + 0.001
                    failed = at
                    break
        if failed is None and self.random.random() < self.noise / 3:
            text = f"[{operation.name}] item {self.number} not found"
            written.append(self._line(operation, at, trace, span, parent, "ERROR", text))
        if operation.ailing and self.random.random() < operation.ailing:
            text = f"[{operation.name}] cache of {self.number} is stale, read again"
            written.append(self._line(operation, at, trace, span, parent, "ERROR", text))
        if kind == "return":
            text = f"[{operation.name}] result of request {self.number} is empty"
            written.append(self._line(operation, at, trace, span, parent, "ERROR", text))
            failed = at
        elif failed is not None:
            text = f"[{operation.name}] request {self.number} failed: 500 from upstream"
            written.append(self._line(operation, at, trace, span, parent, "ERROR", text))
        for line in written:
            line["duration_ms"] = round((at - begun) * 1000, 3)
        records += written
        if failed is not None:
            raise Failed(at)
        return at

    def _line(
        self,
        operation: Operation,
        at: float,
        trace: str,
        span: str,
        parent: str,
        level: str,
        text: str,
    ) -> dict[str, Any]:
        return {
            "@timestamp": datetime.fromtimestamp(at, timezone.utc).isoformat(),
            "service": operation.service,
            "tenant_id": "acme",
            "endpoint": operation.name,
            "level": level,
            "message": text,
            "trace_id": trace,
            "span_id": span,
            "parent_span_id": parent,
        }

    def _score(self, records: list[dict[str, Any]], broken_at: float) -> None:
        before: dict[str, list[float]] = {}
        for record in records:
            if broken_at == math.inf or record["@timestamp"] < _iso(broken_at):
                before.setdefault(record["endpoint"], []).append(record["duration_ms"])
        limits = {name: 5 * sorted(d)[int(len(d) * 0.99)] for name, d in before.items()}
        for record in records:
            slow = record["duration_ms"] > limits.get(record["endpoint"], 1e12)
            if record["level"] == "ERROR":
                record["anomaly_score"] = round(self.random.uniform(0.90, 0.99), 4)
            elif slow:
                record["anomaly_score"] = round(self.random.uniform(0.86, 0.95), 4)
            else:
                record["anomaly_score"] = round(self.random.uniform(0.0, 0.3), 4)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat()


_WORDS = ("cart", "mail", "stock", "price", "user", "geo", "menu", "audit", "tax", "ship", "ad")
_ENDS = ("-service", "service", "-api", "d", "-db")
