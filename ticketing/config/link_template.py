"""Templates of addresses: configured links of an incident, whose host no log line can choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from ticketing.config.template import BadTemplate, Template
from ticketing.config.template_names import BARE, FULL, NAMES, fault

URL_CHARS_MAX = 2_000
"""Browsers and platforms take as much; a longer address is left out."""
_KEPT = "%/:?#@$&+,;=~-._"
"""Characters of an address that are no mark-up of any platform; all others are percent-encoded."""
NOT_A_LINK = 'must give an http(s) URL such as "https://host/path?service={{ service|urlencode }}"'
NOT_ITS_HOST = (
    'must begin with "http://" or "https://" and a host in ASCII, which stand in the setting as they '
    "are, not by a template"
)


class LinkTemplate:
    """A checked template of an address."""

    def __init__(self, source: str) -> None:
        """Raises BadTemplate."""
        problem = link_fault(source)
        if problem is not None:
            raise BadTemplate(problem)
        self._source = source
        self._template = Template(source, NAMES) if "{" in source else None

    def url(self, values: Mapping[str, Any]) -> str:
        """The address for an incident; empty where the template gives none, or another host's."""
        if self._template is None:
            return _encoded(self._source)
        try:
            written = self._template.render(values)
        except BadTemplate:
            # The samples passed; a ticket without this link is better than none.
            return ""
        url = _encoded(written)
        return "" if _problem(url, self._source) is not None else url


def link_fault(source: str) -> str | None:
    """The fault of a template of an address; None without one. It may be empty for some incidents."""
    if "{" not in source:
        # A catalog has thousands of plain addresses.
        return _problem(_encoded(source), source)
    problem = fault(source)
    if problem is not None:
        return problem
    template = Template(source, NAMES)
    written = [_encoded(template.render(values)) for values in (FULL, BARE)]
    if not any(written):
        return NOT_A_LINK
    problems = (_problem(url, source) for url in written if url)
    return next((said for said in problems if said is not None), None)


def _encoded(written: str) -> str:
    return quote(" ".join(written.split()), safe=_KEPT)


def _problem(url: str, source: str) -> str | None:
    """The reason why a rendered address is not used; an empty one is no link."""
    if len(url) > URL_CHARS_MAX:
        return f"must be at most {URL_CHARS_MAX} characters long"
    try:
        parts = urlsplit(url)
    except ValueError:
        return NOT_A_LINK
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return NOT_A_LINK
    if f"{parts.scheme}://{parts.netloc}" not in source or "@" in parts.netloc:
        return NOT_ITS_HOST
    return None
