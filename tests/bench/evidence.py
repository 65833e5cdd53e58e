"""Measures the domain of evidence alone: the cause that is named first, and the time it takes.

    python tests/bench/evidence.py [--systems N] [RECORDING LABELS]

Lines become requests, tallies and verdicts without a broker, with the whole of a request known at
its end. A fault counts as named by the first service of the ranking 90 s after its injection.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from tests.support import microservices as made
from tests.support.evidence import Request, requests_of
from ticketing.domain.events import Verdict
from ticketing.domain.evidence.book import Book
from ticketing.domain.evidence.tally import SLOT_SECONDS, Tally
from ticketing.domain.evidence.verdict import verdict_of

AFTER_SECONDS = 90.0
KINDS = ("exception", "return", "cpu", "delay")


def verdicts(found: list[Request], until: float) -> Iterator[Verdict]:
    """The verdicts of a scope, one a slot."""
    tallies: dict[int, Tally] = defaultdict(Tally)
    for facts, alerts in found:
        tallies[int(facts.at // SLOT_SECONDS)].add(facts, alerts)
    book = Book()
    for slot in range(min(tallies), int(until // SLOT_SECONDS) + 1):
        if slot in tallies:
            book.put(slot, "w", tallies[slot])
        yield verdict_of(book, "0" * 16, slot)


def at_time(found: Iterable[Verdict], at: float) -> Verdict | None:
    """The last verdict known at a time."""
    last = None
    for verdict in found:
        if verdict.at <= at:
            last = verdict
    return last


def place_of(service: str, verdict: Verdict | None) -> int:
    names = [cause.service for cause in verdict.ranking] if verdict else []
    return names.index(service) + 1 if service in names else 0


def recording(path: Path, labels: Path) -> None:
    with gzip.open(path) as file:
        records = [json.loads(row) for row in file]
    found = requests_of(records)
    faults = json.loads(labels.read_text())
    begun = time.process_time()
    every = list(verdicts(found, found[-1][0].at + 120))
    spent = time.process_time() - begun
    print(f"{len(found)} requests, {len(every)} verdicts, {spent / len(every) * 1000:.1f} ms each")
    for fault in faults:
        at = datetime.fromisoformat(fault["injected_at"].replace("Z", "+00:00")).timestamp()
        row = []
        for after in (30, 60, 90, 120, 150):
            verdict = at_time(every, at + after)
            row.append(place_of(fault["service"], verdict))
        verdict = at_time(every, at + AFTER_SECONDS)
        named = (
            [(one.service, round(one.strength, 1)) for one in verdict.ranking] if verdict else []
        )
        causes = (
            [(one.service, round(one.strength, 1)) for one in verdict.causes] if verdict else []
        )
        print(fault["service"], fault["fault"], "places at 30..150 s:", row)
        print("    ranking", named)
        print("    causes ", causes)


def systems(count: int, verbose: bool) -> None:
    places: dict[str, Counter[int]] = defaultdict(Counter)
    quiet = 0
    hours = 0.0
    for seed in range(count):
        for kind in KINDS:
            system = made.System(seed, client_spans=seed % 2 == 0, noise=(0.03, 0.1, 0.3)[seed % 3])
            rng = system.random
            operation = rng.choice(system.reachable()[1:] or system.reachable())
            share = rng.uniform(0.4, 1.0)
            fault = made.Fault(kind, operation, made.START + 900, share)
            records = system.run(fault, 900 + AFTER_SECONDS + 10, rate=1.0)
            found = requests_of(records)
            every = list(verdicts(found, fault.at + AFTER_SECONDS))
            verdict = at_time(every, fault.at + AFTER_SECONDS)
            before = [one for one in every if made.START + 300 < one.at <= fault.at]
            quiet += sum(bool(one.causes) for one in before)
            hours += len(before)
            place = place_of(operation.service, verdict)
            places[kind][place] += 1
            if verbose and place != 1 and verdict:
                print(seed, kind, operation.name, f"share {share:.2f} place {place}")
                for cause in verdict.ranking:
                    print("    ", cause.service, round(cause.strength, 1), cause.reasons)
    whole: Counter[int] = Counter()
    for kind, one in places.items():
        whole += one
        print(kind, dict(one))
    total = sum(whole.values())
    three = sum(whole[place] for place in (1, 2, 3))
    print(f"first {whole[1] / total:.2f}, among three {three / total:.2f} of {total}")
    print(f"verdicts with a cause before any fault: {quiet / max(1, hours):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--systems", type=int, default=12)
    parser.add_argument("-v", action="store_true")
    options = parser.parse_args()
    if options.files:
        recording(*options.files)
    if options.systems:
        systems(options.systems, options.v)


if __name__ == "__main__":
    main()
