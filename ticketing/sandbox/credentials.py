"""The configuration with which everything talks to the sandbox instead of to the vendors.

Its credentials are fixed: known to everyone, worth nothing anywhere else. Each platform's own
stand in `ticketing/sandbox/<platform>/credentials.py`.
"""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.platforms import SECTIONS

RATE_LIMIT = "1000/second"
"""So high that no test or demo reaches it: the sandbox limits nobody unless told to by a fault."""


def sandbox_config(base_url: str) -> dict[str, Any]:
    """The configuration, in camelCase, that points every platform at a sandbox."""
    base = base_url.rstrip("/")
    return {
        name: {"enabled": True, **section(base), "rateLimit": RATE_LIMIT}
        for name, section in SECTIONS.items()
    }
