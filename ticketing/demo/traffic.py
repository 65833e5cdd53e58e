"""Made-up traffic of a web shop: requests that cross services, and faults that come and go."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone

TENANT = "shop"
# Often enough for a person who watches, and faults overlap now and then, as in an outage.
FAULT_EVERY_SECONDS = 20.0
FAULT_SECONDS = (15.0, 45.0)
FAILING_SHARE = 0.6
"""Most requests fail, as in an outage, and enough succeed for the traces to compare."""


@dataclass(frozen=True)
class ServiceCall:
    """The part of a service in a request, and the calls it makes in turn."""

    service: str
    endpoint: str
    says: str
    calls: tuple[ServiceCall, ...] = ()


@dataclass(frozen=True)
class Fault:
    """A fault of a service. `says` is the service's log message, `shows` that of its callers."""

    service: str
    level: str
    score: float
    says: str
    shows: str


_INVENTORY = ServiceCall(
    "inventory", "ReserveStock", "reserved {n} items of sku {sku} for order {order}"
)
_PAYMENT = ServiceCall("payment", "Charge", "charged {amount} EUR to card token {token} in {ms}ms")
_SHIPPING = ServiceCall("shipping", "Quote", "quote for {zip} is {amount} EUR, carrier=dhl")
_MAIL = ServiceCall("notification", "SendMail", "mail {uuid} queued for {mail}")
_ACCOUNT = ServiceCall("account", "GET /account/{id}", "loaded profile {uuid}")
_PRICES = ServiceCall("pricing", "GetPrices", "priced {n} items in {ms}ms, currency=EUR")

REQUESTS: tuple[ServiceCall, ...] = (
    ServiceCall(
        "gateway",
        "POST /checkout",
        "POST /checkout from {ip} user={user} 200 {ms}ms",
        (
            ServiceCall(
                "checkout",
                "PlaceOrder",
                "placing order {order} for user {user}",
                (_ACCOUNT, _INVENTORY, _PRICES, _PAYMENT, _SHIPPING, _MAIL),
            ),
        ),
    ),
    ServiceCall(
        "gateway",
        "GET /products",
        "GET /products/{sku} from {ip} 200 {ms}ms",
        (
            ServiceCall(
                "catalog", "GetProduct", "product {sku} read from cache key=prod:{sku}", (_PRICES,)
            ),
        ),
    ),
    ServiceCall(
        "gateway",
        "GET /search",
        "GET /search?q={user} from {ip} 200 {ms}ms",
        (ServiceCall("search", "Query", "query took {ms}ms, {n} hits of {order}"),),
    ),
    ServiceCall(
        "gateway",
        "POST /cart",
        "POST /cart from {ip} user={user} 201 {ms}ms",
        (ServiceCall("cart", "AddItem", "added sku {sku} to cart {uuid}", (_INVENTORY,)),),
    ),
)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "payment",
        "FATAL",
        0.98,
        "payment provider answered 503 for charge {uuid} after {ms}ms, giving up",
        "call to payment failed: upstream returned 502 for request {uuid}",
    ),
    Fault(
        "inventory",
        "ERROR",
        0.95,
        "could not acquire connection from pool inventory-db within 30000ms (active={n}, waiting={n})\n"
        "java.sql.SQLTransientConnectionException: inventory-db - Connection is not available\n"
        "\tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:{n})\n"
        "\tat shop.inventory.StockRepository.reserve(StockRepository.java:{n})\n"
        "\tat shop.inventory.StockService.reserve(StockService.java:{n})",
        "call to inventory failed: deadline exceeded after {ms}ms",
    ),
    Fault(
        "pricing",
        "ERROR",
        0.91,
        "no price for sku {sku} in list 'winter-{n}': NullPointerException",
        "call to pricing failed: 500 Internal Server Error for order {order}",
    ),
    Fault(
        "search",
        "ERROR",
        0.9,
        "shard {n} of index products-{n} did not answer within {ms}ms",
        "call to search failed: partial results for request {uuid}",
    ),
    Fault(
        "notification",
        "ERROR",
        0.87,
        "smtp relay 10.2.{n}.{n}:25 refused mail {uuid}: 451 4.7.1 try again later",
        "call to notification failed: mail {uuid} was not accepted",
    ),
)


@dataclass
class Traffic:
    """An endless stream of enriched logs. The same seed and clock give the same logs."""

    seed: int = 7
    faults: tuple[Fault, ...] = FAULTS
    first_fault_after: float = 3.0
    _random: random.Random = field(init=False)
    _active: dict[str, tuple[Fault, float]] = field(default_factory=dict)
    _next_fault: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def logs(self, start: float, rate: float) -> Iterator[bytes]:
        """Logs as JSON, `rate` a second of event time from `start` (Unix seconds)."""
        now = start
        next_fault_at = start + self.first_fault_after
        while True:
            if now >= next_fault_at:
                self._begin_fault(now)
                next_fault_at = now + FAULT_EVERY_SECONDS
            for record in self._request(now):
                now += 1.0 / rate
                yield json.dumps(record, separators=(",", ":")).encode()

    def _begin_fault(self, now: float) -> None:
        fault = self.faults[self._next_fault % len(self.faults)]
        self._next_fault += 1
        self._active[fault.service] = (fault, now + self._random.uniform(*FAULT_SECONDS))

    def _request(self, now: float) -> list[dict[str, object]]:
        call = self._random.choices(REQUESTS, weights=(3, 5, 3, 2))[0]
        trace = f"{self._random.getrandbits(128):032x}"
        records: list[dict[str, object]] = []
        self._visit(call, now, trace, "", records)
        return records

    def _visit(
        self,
        call: ServiceCall,
        now: float,
        trace: str,
        parent: str,
        records: list[dict[str, object]],
    ) -> Fault | None:
        """Log a call and the calls below, callers first; returns the fault of the call, if any."""
        span = f"{self._random.getrandbits(64):016x}"
        place = len(records)
        failed: Fault | None = None
        for below in call.calls:
            failed = self._visit(below, now, trace, span, records) or failed
            if failed is not None:
                break
        own = self._fault_of(call.service, now)
        if own is not None:
            record = self._record(call, now, trace, span, parent, own.level, own.says, own.score)
        elif failed is not None:
            score = max(0.86, failed.score - 0.06)
            record = self._record(call, now, trace, span, parent, "ERROR", failed.shows, score)
        else:
            score = self._random.uniform(0.0, 0.3)
            record = self._record(call, now, trace, span, parent, "INFO", call.says, score)
        records.insert(place, record)
        return own or failed

    def _fault_of(self, service: str, now: float) -> Fault | None:
        active = self._active.get(service)
        if active is None:
            return None
        fault, until = active
        if now > until:
            del self._active[service]
            return None
        return fault if self._random.random() < FAILING_SHARE else None

    def _record(
        self,
        call: ServiceCall,
        now: float,
        trace: str,
        span: str,
        parent: str,
        level: str,
        says: str,
        score: float,
    ) -> dict[str, object]:
        moment = datetime.fromtimestamp(now, timezone.utc).isoformat(timespec="microseconds")
        record: dict[str, object] = {
            "@timestamp": moment.replace("+00:00", "Z"),
            "log_id": f"{self._random.getrandbits(128):032x}",
            "level": level,
            "message": self._fill(says),
            "service": call.service,
            "tenant_id": TENANT,
            "environment": "production",
            "host_name": f"node-{self._random.randrange(1, 9)}",
            "trace_id": trace,
            "span_id": span,
            "endpoint": call.endpoint,
            "duration_ms": round(self._random.expovariate(1 / 40), 3),
            "anomaly_score": round(score, 4),
        }
        if parent:
            record["parent_span_id"] = parent
        return record

    def _fill(self, says: str) -> str:
        bits = self._random.getrandbits
        below = self._random.randrange
        values: dict[str, Callable[[], str]] = {
            "{n}": lambda: str(below(1, 200)),
            "{ms}": lambda: str(below(3, 3000)),
            "{sku}": lambda: f"SKU-{below(10_000, 99_999)}",
            "{order}": lambda: str(below(10**6, 10**7)),
            "{amount}": lambda: f"{below(1, 300)}.{below(10, 99)}",
            "{token}": lambda: f"tok_{bits(48):012x}",
            "{zip}": lambda: str(below(10_000, 99_999)),
            "{uuid}": lambda: (
                f"{bits(32):08x}-{bits(16):04x}-4{bits(12):03x}-a{bits(12):03x}-{bits(48):012x}"
            ),
            "{mail}": lambda: f"user{below(1, 9999)}@example.org",
            "{user}": lambda: f"u{below(1, 9999)}",
            "{ip}": lambda: f"192.0.2.{below(1, 255)}",
        }
        for mark, value in values.items():
            while mark in says:
                says = says.replace(mark, value(), 1)
        return says
