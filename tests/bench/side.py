"""Runs one side of the comparison in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SIDE_SECONDS_MAX = 900
RESULT = re.compile(rb'{"recordsPerSecond": ([0-9.e+]+)')
"""Faust moves the terminal's cursor around it."""


def rate_of(command: list[str], environ: dict[str, str]) -> float:
    """The records a second that a side says it did; what it wrote, if it says nothing."""
    with tempfile.TemporaryDirectory(prefix="ticketing-bench-") as directory:
        done = subprocess.run(
            command,
            # Others keep their state where they are started.
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            capture_output=True,
            timeout=SIDE_SECONDS_MAX,
            check=False,
        )
    said = RESULT.search(done.stdout)
    if said is None:
        output = (done.stdout + done.stderr).decode(errors="replace")
        raise SystemExit(f"{' '.join(command)} failed:\n{output[-3000:]}")
    return float(said.group(1))
