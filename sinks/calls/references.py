"""References to secrets: what is remembered of which key or address a ticket was opened with."""

from __future__ import annotations

import hashlib

REFERENCE_CHARACTERS = 16


def reference(secret: str) -> str:
    """A short hash that recognises a configured secret and gives nothing of it away."""
    return hashlib.sha256(secret.encode()).hexdigest()[:REFERENCE_CHARACTERS]
