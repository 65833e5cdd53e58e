"""What detection makes of one line of text, for `ticketing pattern`."""

from __future__ import annotations

from typing import Any

import msgspec

from ticketing.domain.alerts.fingerprint import fingerprint
from ticketing.domain.alerts.record_fields import DEFAULT_TENANT
from ticketing.domain.patterns.pattern import Patterns

_decode = msgspec.json.Decoder().decode


def describe(line: str, patterns: Patterns | None = None) -> dict[str, str]:
    """The pattern and fingerprint of a line: a message, or an enriched log as a JSON document.

    A plain line counts as of tenant `default` and of no service.
    """
    document = _document(line)
    texts = [document.get(key) for key in ("message", "error_message", "description")]
    message = next((text for text in texts if isinstance(text, str) and text.strip()), line)
    service, tenant = document.get("service"), document.get("tenant_id")
    pattern = (patterns or Patterns()).of(message)
    found = fingerprint(
        tenant if isinstance(tenant, str) and tenant else DEFAULT_TENANT,
        service if isinstance(service, str) else "",
        pattern,
    )
    return {"pattern": pattern, "fingerprint": found}


def _document(line: str) -> dict[str, Any]:
    if not line.lstrip().startswith("{"):
        return {}
    try:
        document = _decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
