"""Writes the text of a platform's tickets by the configured or the default templates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import structlog

from sinks.text import parts
from sinks.text.headline import TITLE_CHARS_MAX, headline
from sinks.text.keys import key_of
from sinks.text.parts import Text, describe
from sinks.text.services import NONE, Services
from ticketing.config import Config
from ticketing.config.catalog import PICTURE
from ticketing.config.template import BadTemplate, Template, clean
from ticketing.config.template_names import NAMES, fault
from ticketing.domain.incidents.incident import Incident
from ticketing.domain.text import cut, line
from ticketing.errors import Misconfigured

log = structlog.get_logger(__name__)

LINKS_CHARS_MAX = 4_000
"""The addresses of the configured links of a ticket together, so that they leave room for its
facts and its evidence."""

TITLE_TEMPLATE = (
    "[{{ severity|upper }}] {{ service or 'unknown service' }}"
    "{{ ' fails' if failing or began_in }}{{ ' for ' ~ failing if failing }}"
    "{{ ', began in ' ~ began_in if began_in }}: {{ title }}"
)
BODY_TEMPLATE = """\
{% for note in notes %}
! {{ note }}
{% endfor %}
{% if notes %}

{% endif %}
{% if summary and summary_by != "rules" %}
{{ summary }}{{ " (written by " ~ summary_by ~ ")" if summary_by }}

{% endif %}
{% for label, value in needed.items() %}
{{ label }}: {{ value }}
{% endfor %}
{% if next_steps %}

Next steps:
{% for step in next_steps %}
- {{ step }}
{% endfor %}
{% endif %}
{% if links %}

Links:
{% for name, address in links.items() %}
{{ name }}: {{ address }}
{% endfor %}
{% endif %}
{% if evidence %}

Evidence:
{% for one in evidence %}
{{ one }}
{% endfor %}
{% endif %}
{% if summary and summary_by == "rules" %}

{{ summary }}
{% endif %}
{% if details %}

Details:
{% for label, value in details.items() %}
{{ label }}: {{ value }}
{% endfor %}
{% endif %}
"""
"""For a platform with one field of plain text."""


class Writer:
    """Writes incidents for one platform by the configured or the default templates."""

    def __init__(
        self,
        platform: str,
        title_template: str | None = None,
        body_template: str | None = None,
        *,
        console: str = "",
        services: Services = NONE,
        installation: str = "",
    ) -> None:
        """`console` is the address of the console, for a link; `services` has owners and further
        links; `installation` is a part of every key. Raises Misconfigured."""
        self._platform = platform
        self._console = console.rstrip("/")
        self._services = services
        self._installation = installation
        self._title = _template(f"{platform}.titleTemplate", title_template or TITLE_TEMPLATE)
        self._body = _template(f"{platform}.bodyTemplate", body_template or BODY_TEMPLATE)
        self.own_body = body_template is not None
        """True for a configured body, which platforms with places for the parts show instead of
        the parts."""

    def key(self, incident_id: str) -> str:
        """The key under which the platform keeps the incident's ticket."""
        return key_of(self._installation, incident_id)

    def title(self, incident: Incident) -> str:
        """The title, one line of at most `TITLE_CHARS_MAX` characters."""
        return self.text(incident).title

    def text(self, incident: Incident) -> Text:
        """The incident in parts, for platforms with a place for each part."""
        service = self._services.entry(incident.service)
        text = describe(incident, self._platform, self._console, service)
        values = parts.values(incident, text, self._platform, service)
        picture = self._services.picture(values)
        pictured = {PICTURE: picture} if picture else {}
        own = _fitting(self._services.links(incident.service, values))
        return replace(
            text,
            title=self._headline(incident, values),
            links={**own, **pictured, **text.links},
            own=(*own, *pictured),
            picture=picture,
        )

    def body(self, incident: Incident) -> str:
        """The whole incident as plain text, for platforms with one field of text."""
        text = self.text(incident)
        return self._rendered(self._body, self._values(incident, text)) or plain(text)

    def values(self, incident: Incident) -> dict[str, Any]:
        """The values of the names in ticketing.config.template_names, for other templates."""
        return self._values(incident, self.text(incident))

    def _values(self, incident: Incident, text: Text) -> dict[str, Any]:
        service = self._services.entry(incident.service)
        return parts.values(incident, text, self._platform, service)

    def _headline(self, incident: Incident, values: dict[str, Any]) -> str:
        written = line(self._rendered(self._title, values))
        return cut(written or headline(incident), TITLE_CHARS_MAX)

    def _rendered(self, template: Template, values: dict[str, Any]) -> str:
        try:
            return template.render(values)
        except BadTemplate as error:
            # The template rendered the samples at the start, so the fault lies in this incident's
            # values. A ticket in default words is better than none.
            log.warning("template_failed", platform=self._platform, error=str(error))
            return ""


def writer_for(config: Config, platform: str) -> Writer:
    """The writer of a platform as configured; raises Misconfigured for a bad template."""
    section = config.platform(platform)
    console = config.web.public_url or ""
    return Writer(
        platform,
        section.title_template,
        section.body_template,
        console=console,
        services=Services.of(config),
        installation=config.installation,
    )


def _template(key: str, source: str) -> Template:
    problem = fault(source)
    if problem is not None:
        raise Misconfigured(f"{key}: {problem}")
    return Template(source, NAMES)


def _fitting(links: dict[str, str]) -> dict[str, str]:
    """The links that fit into `LINKS_CHARS_MAX` together; the first ones win."""
    kept: dict[str, str] = {}
    left = LINKS_CHARS_MAX
    for name, url in links.items():
        if len(url) <= left:
            left -= len(url)
            kept[name] = url
    return kept


def plain(text: Text) -> str:
    """The whole incident as plain text, for a template that failed."""
    parts = [text.title, "\n".join(text.notes), text.summary]
    parts.append("\n".join(f"{label}: {value}" for label, value in text.needed))
    parts.append("\n".join(f"{name}: {url}" for name, url in text.links.items()))
    parts.append("\n".join(text.evidence))
    parts.append("\n".join(f"{label}: {value}" for label, value in text.facts))
    return clean("\n\n".join(part for part in parts if part))
