"""The figures of one worker, from its `/metrics` and `/ready`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

ANSWER_SECONDS_MAX = 5.0
"""A scrape takes milliseconds; a worker that is slower is shown as one that does not answer."""
PREFIX = "ticketing_"
NO_WORKER = "no worker of this job: its /metrics names no ticketing_ metric"


@dataclass(frozen=True, slots=True)
class Figures:
    """A worker as it describes itself. `reasons` say why it is not ready; empty for a ready one."""

    address: str
    answers: bool = True
    reasons: tuple[str, ...] = ()
    apps: dict[str, bool] = field(default_factory=dict)
    """The readiness of each app."""
    incidents: int | None = None
    """Open incidents of its partitions; None without the pipeline."""
    pending: dict[str, int] = field(default_factory=dict)
    """Pending deliveries by platform."""
    circuits: tuple[str, ...] = ()
    """Platforms that get probes only."""
    tables: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """Rows and bytes by app and table."""
    restarts: int = 0
    crash_loops: tuple[str, ...] = ()


def figures_of(address: str, text: str, reasons: Sequence[str] = ()) -> Figures:
    """The figures in Prometheus's text; of any other text, a worker that does not answer."""
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, dict[tuple[str, ...], float]] = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name.startswith(PREFIX):
                    key = tuple(value for _, value in sorted(sample.labels.items()))
                    found.setdefault(sample.name[len(PREFIX) :], {})[key] = sample.value
    except ValueError:
        found.clear()
    if text.strip() and not found:
        return Figures(address, answers=False, reasons=(NO_WORKER,))

    def by_one(name: str) -> dict[str, float]:
        return {key[0]: value for key, value in found.get(name, {}).items()}

    rows, sizes = found.get("table_rows", {}), found.get("table_bytes", {})
    incidents = found.get("incidents_open", {}).get(())
    apps = {app: value > 0 for app, value in by_one("app_ready").items()}
    return Figures(
        address=address,
        reasons=tuple(reasons),
        apps=apps,
        incidents=int(incidents) if incidents is not None and "pipeline" in apps else None,
        pending={name: int(value) for name, value in by_one("deliveries_pending").items()},
        circuits=tuple(sorted(n for n, value in by_one("circuit_open").items() if value)),
        tables={
            (key[0], key[1]): (int(value), int(sizes.get(key, 0))) for key, value in rows.items()
        },
        restarts=int(sum(found.get("worker_restarts_total", {}).values())),
        crash_loops=tuple(
            sorted(n for n, value in by_one("worker_crash_looping").items() if value)
        ),
    )


async def ask(addresses: Sequence[str], token: str | None) -> list[Figures]:
    """The figures of the workers at these addresses; one that does not answer says so."""
    return list(await asyncio.gather(*(_ask(address, token) for address in addresses)))


async def _ask(address: str, token: str | None) -> Figures:
    import aiohttp

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
    try:
        async with aiohttp.ClientSession(timeout=limit, headers=headers) as session:
            async with session.get(f"{address}/metrics", allow_redirects=False) as answer:
                if answer.status != 200:
                    return Figures(address, answers=False, reasons=(f"HTTP {answer.status}",))
                text = await answer.text()
            async with session.get(f"{address}/ready", allow_redirects=False) as answer:
                body = await answer.json(content_type=None)
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
        return Figures(address, answers=False, reasons=(type(error).__name__,))
    reasons = body.get("reasons") if isinstance(body, dict) else None
    told = reasons if isinstance(reasons, list) else []
    return figures_of(address, text, [str(reason) for reason in told])
