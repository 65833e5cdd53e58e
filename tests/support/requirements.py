"""What a test needs of the machine: it is found, or the test is skipped with the reason."""

from __future__ import annotations

import shutil
import socket
import subprocess
from functools import lru_cache
from typing import NoReturn

import pytest

DOCKER_SECONDS_MAX = 20.0


def missing(what: str) -> NoReturn:
    """End the test: something it needs is not here. In CI a skip is a failure (tests/conftest.py)."""
    pytest.skip(what)


@lru_cache(maxsize=1)
def has_docker() -> bool:
    """Whether a Docker engine answers, not just its command."""
    if shutil.which("docker") is None:
        return False
    try:
        asked = subprocess.run(
            ["docker", "info", "--format", "{{.ServerVersion}}"],
            capture_output=True,
            timeout=DOCKER_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0


def free_port() -> int:
    """A port on loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
