"""The catalog of services, as the tickets use it, with the configured links."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from sinks.text.parts import UNKNOWN
from ticketing.config import Config
from ticketing.config.catalog import RUNBOOK, Links, Service, services_of
from ticketing.config.link_template import LinkTemplate
from ticketing.config.template import BadTemplate
from ticketing.errors import Misconfigured

TEMPLATES_MAX = 4_096
"""Compiled templates kept; more links than the services that fail at once have."""


class Services:
    """Entries of the catalog by service, and the links of an incident."""

    def __init__(
        self,
        services: Mapping[str, Service] | None = None,
        links: Links | None = None,
        picture: str | None = None,
    ) -> None:
        """Raises Misconfigured for a bad template among the links of all services."""
        self._services = services or {}
        self._links = links or {}
        self._picture = picture or ""
        for name, source in {**self._links, "picture": self._picture}.items():
            try:
                _compiled(source) if source else None
            except BadTemplate as error:
                raise Misconfigured(f"links.{name}: {error}") from None

    @classmethod
    def of(cls, config: Config) -> Services:
        """The catalog and the links of a configuration; raises Misconfigured."""
        services = services_of(config.catalog.file, config.catalog.services)
        return cls(services, config.links, config.picture)

    def entry(self, service: str) -> Service:
        """The entry of a service; an empty one if the catalog does not have it."""
        return self._services.get(service, UNKNOWN)

    def named(self, kind: Literal["team", "group", "ci"]) -> list[str]:
        """Every name of a kind in the catalog, sorted."""
        return sorted({getattr(one, kind) or "" for one in self._services.values()} - {""})

    def links(self, service: str, values: Mapping[str, Any]) -> dict[str, str]:
        """The configured links of an incident by name, the runbook first."""
        sources = {**self._links, **self.entry(service).links}
        ordered = sorted(sources.items(), key=lambda one: one[0] != RUNBOOK)
        found = {name: _compiled(source).url(values) for name, source in ordered if source}
        return {name: url for name, url in found.items() if url}

    def picture(self, values: Mapping[str, Any]) -> str:
        """The address of the image of an incident; empty without one."""
        return _compiled(self._picture).url(values) if self._picture else ""


NONE = Services()
"""Without a catalog and links."""


@lru_cache(TEMPLATES_MAX)
def _compiled(source: str) -> LinkTemplate:
    return LinkTemplate(source)
