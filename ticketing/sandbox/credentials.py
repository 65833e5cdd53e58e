"""The configuration that points every platform at the sandbox instead of its vendor.

The credentials are fixed, known to everyone and worth nothing anywhere else. Each platform's are in
`ticketing/sandbox/<platform>/credentials.py`.
"""

from __future__ import annotations

from typing import Any

from ticketing.sandbox.platforms import SECTIONS

RATE_LIMIT = "1000/second"
"""More than a test or a demo reaches: the sandbox limits requests only by a fault."""


def sandbox_config(base_url: str) -> dict[str, Any]:
    """The configuration, in camelCase, that points every platform at a sandbox."""
    base = base_url.rstrip("/")
    return {
        name: {"enabled": True, **section(base), "rateLimit": RATE_LIMIT}
        for name, section in SECTIONS.items()
    }
