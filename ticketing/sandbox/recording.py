"""Every request to a platform as one JSON line, without its secrets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import IO, Any

MASK = "****"

SECRET_FIELDS = frozenset(
    {
        "routing_key",
        "service_key",
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

_WEBHOOK_PATH = re.compile(r"^/services/.+")


def masked(value: Any) -> Any:
    """The value with every secret field replaced, at any depth."""
    if isinstance(value, dict):
        return {
            name: MASK if str(name).lower() in SECRET_FIELDS else masked(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def masked_path(platform: str, path: str) -> str:
    """The vendor's path; the tokens of a Slack webhook are its secret."""
    if platform == "slack" and _WEBHOOK_PATH.match(path):
        return f"/services/{MASK}/{MASK}/{MASK}"
    return path


class Recorder:
    """Appends one line a request and flushes it, so that a killed run loses nothing."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("a", encoding="utf-8")

    def write(
        self, *, platform: str, method: str, path: str, query: Any, body: Any, status: int
    ) -> None:
        """One request with the status it was answered."""
        line = {
            "platform": platform,
            "method": method,
            "path": masked_path(platform, path),
            "query": masked(query),
            "body": masked(body),
            "status": status,
        }
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
