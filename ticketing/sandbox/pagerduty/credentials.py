"""The sandbox's keys for PagerDuty, and the configuration that uses them."""

from __future__ import annotations

from typing import Any

ROUTING_KEYS = {
    severity: f"sandbox{severity}".ljust(32, "0")
    for severity in ("critical", "high", "medium", "low")
}
"""One service for each severity: PSVCCRITICAL, PSVCHIGH, PSVCMEDIUM and PSVCLOW. PagerDuty's keys
have 32 characters."""
SITE = "https://sandbox.pagerduty.example"
API_TOKEN = "sandbox-pagerduty-token"
FROM = "oncall@sandbox.example"


def section(base: str) -> dict[str, Any]:
    """The section `pagerduty` of the configuration for a sandbox at the address `base`."""
    return {
        "routingKey": ROUTING_KEYS["critical"],
        "routingKeys": dict(ROUTING_KEYS),
        "apiUrl": f"{base}/pagerduty",
        "restUrl": f"{base}/pagerduty",
        "siteUrl": SITE,
        "apiToken": API_TOKEN,
        "fromEmail": FROM,
    }
