"""Incidents and work notes for ServiceNow, within its limits.

https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sinks.servicenow.api import Row
from sinks.servicenow.settings import Settings
from sinks.text.field_templates import FieldTemplates
from sinks.text.utf16 import cut_units, latest
from sinks.text.writer import Writer
from ticketing.config.template import BadTemplate, Template
from ticketing.config.template_names import CLOSING, NAMES, fault
from ticketing.domain.incidents.incident import Incident, StepKind
from ticketing.domain.text import ELLIPSIS, line
from ticketing.errors import Misconfigured

# Lengths of the columns in the base system (the texts' are not confirmed against a live instance).
SHORT_DESCRIPTION_MAX = 160
DESCRIPTION_MAX = 4000
CLOSE_NOTES_MAX = 4000
WORK_NOTES_MAX = 4000
CORRELATION_MAX = 100
PRODUCT = "ticketing-agent"
# States of the base system's incident table.
NEW, IN_PROGRESS, ON_HOLD, RESOLVED, CLOSED, CANCELED = "1", "2", "3", "6", "7", "8"
FINISHED = frozenset({RESOLVED, CLOSED, CANCELED})
UNCHANGEABLE = frozenset({CLOSED, CANCELED})
JOURNALS = frozenset({"work_notes", "comments"})
INDISPENSABLE = frozenset(
    {"short_description", "description", "correlation_id", "impact", "urgency", "work_notes"}
)
"""The columns of a record that are written although ServiceNow refused them all together."""
POSSIBLE_REPEAT = (
    "This may be a second record for the incident: it is not known how an earlier attempt ended, "
    "and the table can't be searched."
)

# In journals, [code] switches HTML on.
_CODE = re.compile(r"\[(?=/?code\])", re.IGNORECASE)


def correlation_id(key: str) -> str:
    """The record's correlation id: the incident's key."""
    return key.replace("^", "")[:CORRELATION_MAX]


class Author:
    """Writes incidents as columns of a record."""

    def __init__(self, settings: Settings, writer: Writer) -> None:
        """Raises Misconfigured for a template that can't be used."""
        self._settings = settings
        self._writer = writer
        problem = fault(settings.close_notes, CLOSING)
        if problem is not None:
            raise Misconfigured(f"servicenow.closeNotes: {problem}")
        self._close_notes = Template(settings.close_notes, [*NAMES, *CLOSING])
        self._fields = FieldTemplates("servicenow.fields", settings.fields, writer)
        self._resolve_fields = FieldTemplates(
            "servicenow.resolveFields", settings.resolve_fields, writer, CLOSING
        )

    def record(self, incident: Incident, references: Row, remarks: list[str]) -> Row:
        """A new record; `remarks` go into its work notes."""
        values = {
            **_columns(self._fields.values(incident, remarks)),
            **self.texts(incident),
            **self._settings.levels(incident),
            "correlation_id": correlation_id(self._writer.key(incident.id)),
            "correlation_display": PRODUCT,
            **references,
        }
        if remarks:
            values["work_notes"] = work_notes(remarks)
        return values

    def plain(self, record: Row) -> Row:
        """The record with its indispensable columns only."""
        return {name: value for name, value in record.items() if name in INDISPENSABLE}

    def texts(self, incident: Incident) -> Row:
        """The columns that follow every change of the incident."""
        return {
            "short_description": cut_units(self._writer.title(incident), SHORT_DESCRIPTION_MAX),
            "description": cut_units(self._writer.body(incident), DESCRIPTION_MAX),
        }

    def resolution(self, incident: Incident) -> Row:
        """The columns that resolve a record."""
        remarks: list[str] = []
        words = {"resolution": _resolution(incident)}
        values = {
            **_columns(self._resolve_fields.values(incident, remarks, words)),
            "state": RESOLVED,
            "close_code": self._settings.close_code,
            "close_notes": cut_units(self._notes(incident), CLOSE_NOTES_MAX),
        }
        return {**values, "work_notes": work_notes(remarks)} if remarks else values

    def duplicate(self, of: str, incident: Incident) -> Row:
        """The columns that resolve a duplicate of the record `of`."""
        remark = f"Duplicate of {of}"
        return {**self.resolution(incident), "close_notes": remark, "work_notes": remark}

    def _notes(self, incident: Incident) -> str:
        words = _resolution(incident)
        try:
            values = {**self._writer.values(incident), "resolution": words}
            return self._close_notes.render(values) or words
        except BadTemplate:
            return words


def _columns(values: Mapping[str, Any]) -> Row:
    """Values as ServiceNow writes them: strings, lists with commas."""
    return {name: _written(value) for name, value in values.items()}


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_written(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def work_notes(lines: list[str]) -> str:
    """The lines as a work note; of too many, the last ones and the number of the others."""
    # The room below the limit is for the line with the number.
    kept = latest([harmless(one) for one in lines], WORK_NOTES_MAX - 100)
    return cut_units("\n".join(kept), WORK_NOTES_MAX) or ELLIPSIS


def harmless(text: str) -> str:
    """The text without the mark that switches HTML on in a journal."""
    return _CODE.sub("[\u200b", text)


def _resolution(incident: Incident) -> str:
    steps = [step for step in incident.timeline if step.kind is StepKind.RESOLVED]
    note, by = (line(steps[-1].text), line(steps[-1].by)) if steps else ("", "")
    if not note:
        return f"by {by}" if by else "no reason was given"
    return f"{note} (by {by})" if by else note
