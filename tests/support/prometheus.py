"""Prometheus and its promtool for tests: Debian's package, or any on the path."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from support.helm import CHART
from support.requirements import missing

ALERTS = CHART / "files" / "alerts.yaml"
PROMTOOL_SECONDS_MAX = 60.0


def command(name: str) -> str:
    """The path of `prometheus` or `promtool`."""
    found = shutil.which(name)
    if found is None:
        missing(f"no {name}: Debian has it in the package prometheus")
    return found


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    return subprocess.run(
        [command("promtool"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PROMTOOL_SECONDS_MAX,
    )
