"""The sandbox's agent with Zammad, and the configuration that uses its token."""

from __future__ import annotations

from typing import Any

TOKEN = "sandbox-zammad-token"
GROUP = "Operations"
CUSTOMER = "guess:alerts@sandbox.example"


def section(base: str) -> dict[str, Any]:
    """The section `zammad` of the configuration for a sandbox at the address `base`."""
    return {"baseUrl": f"{base}/zammad", "token": TOKEN, "group": GROUP, "customer": CUSTOMER}
