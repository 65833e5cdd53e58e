"""The configured custom fields: values, or templates of the incident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinks.text.writer import Writer
from ticketing.config.template import BadTemplate, Template
from ticketing.config.template_names import NAMES, faults
from ticketing.domain.incidents.incident import Incident
from ticketing.errors import Misconfigured


class FieldTemplates:
    """Renders `jira.customFields`; texts in lists and objects are templates too."""

    def __init__(self, configured: Mapping[str, Any], writer: Writer) -> None:
        """Raises Misconfigured for a template that can't be used."""
        self._writer = writer
        self._values = {name: _compiled(name, value) for name, value in configured.items()}

    def values(self, incident: Incident, remarks: list[str]) -> dict[str, Any]:
        """The rendered fields without empty ones; errors are added to the remarks."""
        if not self._values:
            return {}
        names = self._writer.values(incident)
        found: dict[str, Any] = {}
        for field, value in self._values.items():
            try:
                rendered = _rendered(value, names)
            except BadTemplate as error:
                remarks.append(f"{field}: {error}")
                continue
            if rendered not in ("", None, [], {}):
                found[field] = rendered
        return found


def _compiled(name: str, value: Any) -> Any:
    for problem in faults(value):
        raise Misconfigured(f"jira.customFields.{name}: {problem}")
    if isinstance(value, str):
        return Template(value, NAMES)
    if isinstance(value, list):
        return [_compiled(name, item) for item in value]
    if isinstance(value, dict):
        return {key: _compiled(name, item) for key, item in value.items()}
    return value


def _rendered(value: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(value, Template):
        return value.render(names)
    if isinstance(value, list):
        return [_rendered(item, names) for item in value]
    if isinstance(value, dict):
        return {key: _rendered(item, names) for key, item in value.items()}
    return value
