"""References to secrets: hashes that identify the key or address a ticket was opened with."""

from __future__ import annotations

import hashlib

REFERENCE_CHARACTERS = 16
"""64 bits: no two of a configuration's few secrets get the same."""


def reference(secret: str) -> str:
    """A short hash that identifies a configured secret without revealing it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:REFERENCE_CHARACTERS]
