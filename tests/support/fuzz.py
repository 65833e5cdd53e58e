"""The number of cases of the fuzz tests, and a run in rounds: `python -m support.fuzz 1000000`.

Hypothesis remembers every case of its process, so a process makes up the cases of one round alone.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

import hypothesis

CASES_VARIABLE = "TICKETING_TEST_FUZZ_CASES"
ROUND_VARIABLE = "TICKETING_TEST_FUZZ_ROUND"
CASES = int(os.environ.get(CASES_VARIABLE, "10000"))
ROUND = int(os.environ.get(ROUND_VARIABLE, "0"))
"""The rounds of a run have cases of their own, which follow from the number of the round."""
ROUND_CASES = 20_000
"""Starting costs some 20 s; a process with half as many cases had 380 MB."""


def fuzz(share: float = 1.0) -> hypothesis.settings:
    """The settings of a fuzz test that makes up this share of all cases."""
    # Where hypothesis sees a CI it would make up the same cases in every round.
    return hypothesis.settings(max_examples=max(1, round(CASES * share)), derandomize=False)


def command(number: int) -> list[str]:
    """The command that runs a round, as a person may repeat it."""
    return [
        *("env", f"{CASES_VARIABLE}={ROUND_CASES}", f"{ROUND_VARIABLE}={number}"),
        *(sys.executable, "-m", "pytest", "-q", "-m", "fuzz", f"--hypothesis-seed={number}"),
        "tests/unit",
    ]


def main(cases: int) -> int:
    """Run as many cases, a process each round; return how many rounds failed."""
    rounds = max(1, cases // ROUND_CASES)
    failed: list[int] = []
    started = time.monotonic()
    for number in range(rounds):
        ran = subprocess.run(command(number), stdout=subprocess.PIPE, text=True)
        if ran.returncode:
            failed.append(number)
            print(ran.stdout, "again:", " ".join(command(number)), sep="\n")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
        print(
            f"{(number + 1) * ROUND_CASES:,} of {cases:,} cases, {len(failed)} rounds failed,"
            f" {time.monotonic() - started:.0f} s, at most {peak} MB",
            flush=True,
        )
    return len(failed)


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]))))
