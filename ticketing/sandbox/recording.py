"""Every request to a platform as one JSON line, without its secrets."""

from __future__ import annotations

import json
from collections.abc import Set
from pathlib import Path
from typing import IO, Any

MASK = "****"

SECRET_FIELDS: Set[str] = frozenset(
    {
        "token",
        "access_token",
        "refresh_token",
        "password",
        "client_secret",
        "client_id",
        "assertion",
        "apikey",
        "api_key",
        "secret",
    }
)
"""Names of secrets that vendors share; `StandIn.secret_fields` has a vendor's own names."""


def masked(value: Any, secrets: Set[str]) -> Any:
    """The value with every secret field replaced, at any depth."""
    if isinstance(value, dict):
        return {
            name: MASK if str(name).lower() in secrets else masked(item, secrets)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item, secrets) for item in value]
    return value


class Recorder:
    """Appends a line for each request and flushes the file, so that a killed run loses nothing."""

    def __init__(self, path: Path, secret_fields: Set[str] = frozenset()) -> None:
        self._file: IO[str] = path.open("a", encoding="utf-8")
        self._secrets = SECRET_FIELDS | secret_fields

    def write(
        self, *, platform: str, method: str, path: str, query: Any, body: Any, status: int
    ) -> None:
        """Append one request with the status of its answer; `path` is without secrets already."""
        line = {
            "platform": platform,
            "method": method,
            "path": path,
            "query": masked(query, self._secrets),
            "body": masked(body, self._secrets),
            "status": status,
        }
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
