"""Helm for tests: built once by Go into the cache of the tests, and then kept."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from support.requirements import missing

VERSION = "v3.19.0"
MODULE = f"helm.sh/helm/v3/cmd/helm@{VERSION}"
KUBERNETES = "1.33"
"""The release of Kubernetes that charts are rendered for and checked against."""
_MAJOR, _MINOR = KUBERNETES.split(".")
_KNOWN = "helm.sh/helm/v3/pkg/chartutil.k8sVersion"
LINKED = f"-s -X {_KNOWN}Major={_MAJOR} -X {_KNOWN}Minor={_MINOR}"
"""A helm built from its module knows no release of Kubernetes by itself."""
BUILD_SECONDS_MAX = 1500.0
"""A build from nothing takes four minutes of two cores."""
HELM_SECONDS_MAX = 60.0
CHART = Path(__file__).parents[2] / "charts" / "ticketing-agent"
VALUES = Path(__file__).parents[1] / "charts" / "values"
RELEASE, NAMESPACE = "tickets", "sre"


@lru_cache(maxsize=1)
def helm() -> Path:
    """The helm command."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ticketing-agent"
    wanted = cache / f"helm-{VERSION}" / "helm"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "helm.lock").open("w") as lock:
        # Several runs of the tests may want it at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.is_file():
            _build(wanted)
    return wanted


def _build(wanted: Path) -> None:
    if shutil.which("go") is None:
        missing("no helm: there is no go to build it with")
    made = wanted.parent.with_suffix(".new")
    done = subprocess.run(
        ["go", "install", "-trimpath", "-buildvcs=false", f"-ldflags={LINKED}", MODULE],
        env={**os.environ, "GOBIN": str(made)},
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_SECONDS_MAX,
    )
    if done.returncode != 0:
        missing(f"no helm: go could not build it: {done.stderr.strip()[-300:]}")
    wanted.parent.mkdir(exist_ok=True)
    (made / "helm").replace(wanted)
    shutil.rmtree(made)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm to its end."""
    return subprocess.run(
        [str(helm()), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=HELM_SECONDS_MAX,
    )


def template(*files: Path, chart: Path = CHART) -> subprocess.CompletedProcess[str]:
    """`helm template` of a chart with these files of values."""
    values = [part for file in files for part in ("--values", file)]
    return run("template", RELEASE, chart, "--namespace", NAMESPACE, *values)


def rendered(*files: Path, chart: Path = CHART) -> list[dict[str, Any]]:
    """The manifests of a chart with these files of values, hooks included."""
    done = template(*files, chart=chart)
    assert done.returncode == 0, done.stderr
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def values_file(directory: Path, values: dict[str, Any]) -> Path:
    """A file of values of the test's own."""
    file = directory / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    return file
