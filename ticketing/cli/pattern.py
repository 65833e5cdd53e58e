"""`ticketing pattern`: the error patterns that detection finds in messages."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from agents.record_reader import RecordReader
    from ticketing.domain.patterns.pattern import Patterns


@click.command(
    epilog="Example: echo 'user 17 timed out after 30 ms' | ticketing pattern",
)
def pattern() -> None:
    """Read lines or JSON documents, write each one's pattern and fingerprint as JSON.

    A line that is a JSON object with a message is taken as an enriched log; any other as a message,
    which has no fingerprint, as that counts per service.
    The masking rules and the names of fields are those of the configuration that TICKETING_CONFIG
    names, if it is set.
    """
    from agents.detection_run import patterns_of, reader_of
    from ticketing.config import load
    from ticketing.kafka.runtime import CONFIG_VARIABLE

    file = os.environ.get(CONFIG_VARIABLE)
    config = load(Path(file), os.environ) if file else None
    patterns = patterns_of(config) if config else None
    reader = reader_of(config) if config else None
    for line in sys.stdin.buffer:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        sys.stdout.write(json.dumps(describe(text, patterns, reader), ensure_ascii=False) + "\n")


def describe(
    line: str, patterns: Patterns | None = None, reader: RecordReader | None = None
) -> dict[str, str]:
    """The pattern and fingerprint of a line: a message, or an enriched log as a JSON document.

    No fingerprint for a record that detection refuses, such as one without a service.
    """
    from ticketing.domain.alerts.fingerprint import fingerprint, stray_fingerprint
    from ticketing.domain.alerts.record_fields import (
        NAME_CHARS_MAX,
        Unfit,
        service_of,
        tenant_of,
        text_of,
    )
    from ticketing.domain.patterns.frames import STRAY
    from ticketing.domain.patterns.pattern import Patterns

    document = _document(line, reader)
    texts = [document.get(key) for key in ("message", "error_message", "description")]
    message = next((text for text in texts if isinstance(text, str) and text.strip()), line)
    key = (patterns or Patterns()).key(message)
    found = STRAY if key is None else key
    try:
        environment = text_of(document.get("environment"), NAME_CHARS_MAX)
        place = (
            tenant_of(document.get("tenant_id")),
            environment,
            service_of(document.get("service")),
        )
    except Unfit:
        return {"pattern": found}
    if key is None:
        return {"pattern": found, "fingerprint": stray_fingerprint(*place)}
    return {"pattern": found, "fingerprint": fingerprint(*place, found)}


def _document(line: str, reader: RecordReader | None) -> dict[str, str | None]:
    """The message and identity of an enriched log; empty for any other line."""
    from agents.log_record import RECORD_ERRORS
    from agents.record_reader import RecordReader
    from ticketing.domain.alerts.field_names import LOGCLAW, LevelScale

    if not line.lstrip().startswith("{"):
        return {}
    reader = reader or RecordReader(LOGCLAW, LevelScale.BY_RANGE, minimum_score=0.0)
    try:
        found = reader.whole(line.encode("utf-8", "surrogatepass"))
        text = found.text()
    except RECORD_ERRORS:
        return {}
    return {
        "message": text,
        "service": found.service,
        "tenant_id": found.tenant_id,
        "environment": found.environment,
    }
