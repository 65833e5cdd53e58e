"""`ticketing pattern`: the error patterns that detection finds in messages."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from agents.identities import Identities
    from agents.log_record import Document


@click.command(
    epilog="Example: echo 'user 17 timed out after 30 ms' | ticketing pattern",
)
def pattern() -> None:
    """Read lines or JSON documents, write each one's pattern and fingerprint as JSON.

    A line that is a JSON object with a message is taken as an enriched log, as if it were an anomaly;
    any other as a message, which has no fingerprint, as that counts per service. `codes` are those
    that name the fault, such as errno or an HTTP class: a field of the fingerprint beside the pattern.
    The masking rules and the names of fields are those of the configuration that TICKETING_CONFIG
    names, if it is set.
    """
    from agents.identities import identities_of
    from ticketing.config import load
    from ticketing.kafka.runtime import CONFIG_VARIABLE

    file = os.environ.get(CONFIG_VARIABLE)
    identities = identities_of(load(Path(file), os.environ)) if file else None
    for line in sys.stdin.buffer:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        sys.stdout.write(json.dumps(describe(text, identities), ensure_ascii=False) + "\n")


def describe(line: str, identities: Identities | None = None) -> dict[str, str]:
    """The pattern, codes and fingerprint of a line: a message, or an enriched log as JSON.

    No fingerprint for a record that detection refuses, such as one without a service.
    """
    from agents.identities import identities_of
    from ticketing.config import Config
    from ticketing.domain.alerts.record_fields import Unfit

    identities = identities or identities_of(Config())
    document = _document(line, identities)
    key = identities.key_of_text(line) if document is None else identities.key(document)
    found = {"pattern": key.pattern, "codes": key.codes} if key.codes else {"pattern": key.pattern}
    if document is None:
        return found
    try:
        return {**found, "fingerprint": identities.of(document).fingerprint}
    except Unfit:
        return found


def _document(line: str, identities: Identities) -> Document | None:
    """The fields of an enriched log; None for any other line."""
    from agents.log_record import RECORD_ERRORS

    if not line.lstrip().startswith("{"):
        return None
    try:
        found = identities.reader.whole(line.encode("utf-8", "surrogatepass"))
        found.text()
    except RECORD_ERRORS:
        return None
    return found
