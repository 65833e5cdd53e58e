"""Issues and comments for Jira, within its limits.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sinks.jira import fields
from sinks.jira.answers import Field
from sinks.jira.dialect import Dialect
from sinks.jira.screens import Screen
from sinks.jira.settings import Settings
from sinks.text.field_templates import FieldTemplates
from sinks.text.keys import tag_of
from sinks.text.utf16 import cut_units
from sinks.text.writer import Writer
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.text import line

SUMMARY_UNITS_MAX = 255
"""Jira's limit."""
PROPERTY = "ticketing.incident"
"""The entity property with the incident's key. Jira copies labels to a clone, but no properties."""
REQUIRED = frozenset({"project", "issuetype", "summary"})
"""Fields without which an issue can't be made."""
INDISPENSABLE = REQUIRED | {"labels"}
"""Fields without which an issue can't be made or found again."""
UNNAMED = "Jira refused the issue and named no field"
POSSIBLE_REPEAT = (
    "This may be a second issue for the incident: it is not known how an earlier attempt ended, "
    "and Jira can't be searched."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A new issue. Its description lists as `remarks` what is not as configured.

    `left_out` are the remarks about fields that Jira has refused.
    """

    key: str
    fields: dict[str, Any]
    remarks: list[str] = field(default_factory=list)
    left_out: tuple[str, ...] = ()

    def body(self) -> dict[str, Any]:
        """The body of the request."""
        key = [{"key": PROPERTY, "value": {"id": self.key}}]
        return {"fields": self.fields, "properties": key}


class Author:
    """Writes incidents as Jira's fields."""

    def __init__(
        self, settings: Settings, writer: Writer, templates: FieldTemplates, dialect: Dialect
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._templates = templates
        self._dialect = dialect

    def draft(self, incident: Incident, project: str, screen: Screen, remarks: list[str]) -> Draft:
        """A new issue with the fields that are on the create screen."""
        values: dict[str, Any] = {
            "project": {"key": project},
            "issuetype": {"id": screen.type_id},
            "summary": self.summary(incident),
        }
        remarks = list(remarks)
        if not self._settings.by_description:
            values["labels"] = labels(self._writer.key(incident.id), self._settings.labels)
        elif self._settings.labels:
            self._put(values, screen, "labels", list(self._settings.labels), remarks)
        for name, value in self._chosen(incident).items():
            self._put(values, screen, name, value, remarks)
        for name, value in self._templates.values(incident, remarks).items():
            self._put(values, screen, name, value, remarks)
        if "description" in screen.fields:
            values["description"] = self.description(incident, remarks)
        return Draft(key=self._writer.key(incident.id), fields=values, remarks=remarks)

    def poorer(self, draft: Draft, incident: Incident, refused: Mapping[str, str]) -> Draft | None:
        """The draft without the refused fields; None if nothing can be left out.

        Without its label an issue can't be found again, and is still better than none.
        """
        dropped = refused_of(draft.fields, refused)
        return self._without(draft, incident, dropped) if dropped else None

    def _without(self, draft: Draft, incident: Incident, dropped: Mapping[str, str]) -> Draft:
        kept = {name: value for name, value in draft.fields.items() if name not in dropped}
        said = [f"{name}: {line(why)}" for name, why in dropped.items()]
        remarks = [*draft.remarks, *said]
        if "description" in kept:
            kept["description"] = self.description(incident, remarks)
        return Draft(
            key=draft.key,
            fields=kept,
            remarks=remarks,
            left_out=(*draft.left_out, *said),
        )

    def summary(self, incident: Incident) -> str:
        """The incident's title as the issue's summary, one line."""
        return cut_units(self._writer.title(incident), SUMMARY_UNITS_MAX)

    def description(self, incident: Incident, remarks: list[str] | None = None) -> Any:
        """The description: the incident's parts, or the configured template."""
        by_text = self._settings.by_description
        key = key_label(self._writer.key(incident.id)) if by_text else ""
        if self._writer.own_body:
            return self._dialect.paragraphs(self._writer.body(incident), remarks, key)
        return self._dialect.ticket(self._writer.text(incident), remarks or [], key)

    def changes(self, incident: Incident, *, urgent: bool) -> dict[str, Any]:
        """The fields of an update. Only an `urgent` update sets the priority.

        A priority that a person has set stays until the severity rises.
        """
        changed: dict[str, Any] = {
            "summary": self.summary(incident),
            "description": self.description(incident),
        }
        return {**changed, **(self.priority(incident) if urgent else {})}

    def priority(self, incident: Incident) -> dict[str, Any]:
        """The field with the priority."""
        return {"priority": {"name": self._settings.priority_for(incident)}}

    def _chosen(self, incident: Incident) -> dict[str, Any]:
        chosen: dict[str, Any] = {"priority": self._settings.priority_for(incident)}
        if assignee := self._settings.assignee_for(incident):
            chosen["assignee"] = assignee
        return chosen

    def _put(
        self, values: dict[str, Any], screen: Screen, name: str, value: Any, remarks: list[str]
    ) -> None:
        found: tuple[str, Field] | None = fields.find(screen.fields.items(), name)
        if found is None:
            # Many projects have no priority or assignee on the create screen: nothing to remark.
            if name not in ("priority", "assignee"):
                remarks.append(f"{name}: is not a field of the create screen")
            return
        key, known = found
        if key in INDISPENSABLE:
            remarks.append(f"{name}: can't be set by jira.customFields")
            return
        try:
            values[key] = fields.typed(value, known, self._dialect)
        except fields.BadValue as error:
            remarks.append(f"{known.name or key}: {error.detail}")


def refused_of(fields: Mapping[str, Any], refused: Mapping[str, str]) -> dict[str, str]:
    """The fields to leave out after a refusal, with the reasons; none if the rest would be empty.

    A refusal that names no field leaves out all but the indispensable ones, then the description,
    and at last the label too.
    """
    named = {name: why for name, why in refused.items() if name in fields.keys() - REQUIRED}
    if named:
        return named if fields.keys() - named.keys() else {}
    for kept in (INDISPENSABLE | {"description"}, INDISPENSABLE, REQUIRED):
        dropped = fields.keys() - kept
        if dropped and fields.keys() - dropped:
            return dict.fromkeys(sorted(dropped), UNNAMED)
    return {}


def key_label(key: str) -> str:
    """The label by which an incident's issue is found."""
    return fields.label(tag_of(key))


def labels(key: str, more: tuple[str, ...]) -> list[str]:
    """Our own label and the configured ones."""
    return list(dict.fromkeys([key_label(key), *(fields.label(one) for one in more)]))


def remote_link(key: str, platform: str, url: str, *, own: bool = False) -> dict[str, Any]:
    """A link to the ticket on another platform, or an `own` one of the configuration.

    The global id makes a repeat replace the link.
    """
    if own:
        return {
            "globalId": f"ticketing={key}&link={platform}",
            "relationship": "links for the incident",
            "object": {"url": url, "title": platform},
        }
    return {
        "globalId": f"ticketing={key}&platform={platform}",
        "relationship": "same incident",
        "object": {"url": url, "title": f"{platform}: {cut_units(url, 200)}"},
    }
