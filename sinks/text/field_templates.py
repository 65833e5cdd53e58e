"""Configured fields of a ticket: values, or templates of the incident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinks.text.writer import Writer
from ticketing.config.template import BadTemplate, Template
from ticketing.config.template_names import NAMES, faults
from ticketing.domain.incidents.incident import Incident
from ticketing.errors import Misconfigured


class FieldTemplates:
    """Renders the fields of one setting; texts in lists and objects are templates too."""

    def __init__(
        self,
        key: str,
        configured: Mapping[str, Any],
        writer: Writer,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """`key` is the setting, `more` maps further names to samples. Raises Misconfigured."""
        self._writer = writer
        self._more = more or {}
        self._values = {
            name: self._compiled(f"{key}.{name}", value) for name, value in configured.items()
        }

    def values(
        self, incident: Incident, remarks: list[str], more: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The rendered fields without empty ones; errors are added to the remarks."""
        if not self._values:
            return {}
        names = {**self._writer.values(incident), **(more or {})}
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

    def _compiled(self, name: str, value: Any) -> Any:
        for problem in faults(value, self._more):
            raise Misconfigured(f"{name}: {problem}")
        if isinstance(value, str):
            return Template(value, [*NAMES, *self._more])
        if isinstance(value, list):
            return [self._compiled(name, item) for item in value]
        if isinstance(value, dict):
            return {key: self._compiled(name, item) for key, item in value.items()}
        return value


def _rendered(value: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(value, Template):
        return value.render(names)
    if isinstance(value, list):
        return [_rendered(item, names) for item in value]
    if isinstance(value, dict):
        return {key: _rendered(item, names) for key, item in value.items()}
    return value
