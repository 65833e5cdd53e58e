"""The catalog of services: owners, names on the platforms, links; from settings and from a file.

The file is in the form of Backstage's `catalog-info.yaml`, a document for each entity:
https://backstage.io/docs/features/software-catalog/descriptor-format
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field

from ticketing.config.link_template import link_fault
from ticketing.config.platforms import PLATFORMS
from ticketing.config.values import Name, Section
from ticketing.errors import Misconfigured

FILE_BYTES_MAX = 10_000_000
"""Some 10,000 services with their links."""
SERVICES_MAX = 20_000
"""More services than one installation sees; bounds memory."""
LINKS_MAX = 20
"""More links than a person looks at; bounds a ticket."""
RUNBOOK = "runbook"
"""The name of the link that stands first."""
CONSOLE = "console"
PICTURE = "picture"
"""The names of the links to the console and to an image."""
TAKEN = frozenset({CONSOLE, PICTURE, *PLATFORMS})
"""The names of links that a ticket has by itself, which no other link takes."""
LinkName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\W_][\w .-]*$")]
"""The name of a link on a ticket."""
Links = Annotated[dict[LinkName, str], Field(max_length=LINKS_MAX)]
"""Jinja2 templates of addresses by name, such as `runbook`, `dashboard`, `traces` or `logs`."""
# That of libyaml reads a large catalog in a tenth of the time.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Those of the loader's constructors for values such as a date of the 45th of a month.
_YAML_FAULTS = (
    *(yaml.YAMLError, RecursionError, ArithmeticError, AttributeError, LookupError),
    *(TypeError, ValueError),
)
_KINDS = ("component", "resource", "system", "api")
"""The kinds of entities that log under their name; of several with one name the first kind wins."""
_ANNOTATION = "ticketing-agent/"
"""The prefix of annotations that give `ci`, `group`, `team` and `owner`."""


class Service(Section):
    """One service; each value is left out where nothing is known."""

    team: Name | None = None
    """The team, by its name on OpsGenie and in `slack.mentions.teams`."""
    owner: Name | None = None
    """The person or team to ask, for readers of the ticket."""
    group: Name | None = None
    """The group on ServiceNow (name or sys_id) and Zammad."""
    ci: Name | None = None
    """The configuration item on ServiceNow, its name or sys_id; by default the service's name."""
    links: Links = Field(default_factory=dict)
    """Links of the service, over those of all services with the same names."""


class Catalog(Section):
    """Services, their owners and their names on the platforms."""

    file: Path | None = None
    """A file in the form of Backstage's `catalog-info.yaml`, with any number of documents; read at
    the start."""
    services: dict[str, Service] = Field(default_factory=dict)
    """Services by the name that they log under; each value wins over the file's."""


def services_of(file: Path | None, services: Mapping[str, Service]) -> Mapping[str, Service]:
    """Every service of the file and of the settings, by name; raises Misconfigured for a bad file."""
    if file is None:
        return services
    found = dict(read_file(file))
    for name, given in services.items():
        known = found.get(name, Service())
        own = given.model_dump(exclude_unset=True, exclude={"links"})
        links = {**known.links, **given.links}
        found[name] = known.model_copy(update={**own, "links": links})
    return found


def link_faults(services: Mapping[str, Service]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The faulty links of the settings, with their paths below the section."""
    for name, service in services.items():
        for link, source in service.links.items():
            problem = link_fault(source)
            if problem is not None:
                yield ("services", name, "links", link), problem


# Each platform's sink asks once at the start; a dozen paths are those of tests.
@lru_cache(12)
def read_file(path: Path) -> Mapping[str, Service]:
    """The services of a file in Backstage's form.

    Entities of other kinds, and links that are no address, are passed over. Raises Misconfigured.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise Misconfigured(f"{path}: is larger than {FILE_BYTES_MAX:,} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Misconfigured(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path}: is not UTF-8") from None
    found: dict[str, Service] = {}
    kinds: dict[str, int] = {}
    try:
        for document in yaml.load_all(text, Loader=_Loader):
            entity = _entity(document) if isinstance(document, Mapping) else None
            if entity is None:
                continue
            kind, name, service = entity
            if kind <= kinds.get(name, kind):
                kinds[name], found[name] = kind, service
    except _YAML_FAULTS as error:
        at = getattr(error, "problem_mark", None)
        place = f" in line {at.line + 1}" if at is not None else ""
        raise Misconfigured(f"{path}: is not valid YAML{place}") from None
    if len(found) > SERVICES_MAX:
        raise Misconfigured(f"{path}: has more than {SERVICES_MAX:,} services")
    if not found:
        raise Misconfigured(f'{path}: has no entity such as "kind: Component" with a metadata.name')
    return found


def _entity(document: Mapping[str, Any]) -> tuple[int, str, Service] | None:
    """The kind (its place in `_KINDS`), the name and the service of an entity; None for another."""
    metadata, spec = _group(document, "metadata"), _group(document, "spec")
    name, of_kind = _text(metadata.get("name")), _text(document.get("kind")).lower()
    if not name or of_kind not in _KINDS:
        return None
    annotations = _group(metadata, "annotations")
    kind, owner = _reference(_text(spec.get("owner")))
    values = {"owner": owner, "team": "" if kind == "user" else owner}
    for key in ("ci", "group", "team", "owner"):
        values[key] = _text(annotations.get(_ANNOTATION + key)) or values.get(key, "")
    given = {key: value for key, value in values.items() if value}
    return _KINDS.index(of_kind), name, Service(**given, links=dict(_links(metadata.get("links"))))


def _links(given: Any) -> Iterator[tuple[str, str]]:
    """Names and addresses of an entity's links; a runbook by its title or type is named so."""
    seen: set[str] = set()
    for link in given[:LINKS_MAX] if isinstance(given, list) else []:
        if not isinstance(link, Mapping):
            continue
        title, url = _text(link.get("title")), _text(link.get("url"))
        said = f"{title} {_text(link.get('type'))}".lower()
        name = RUNBOOK if "runbook" in said.replace(" ", "") else _name(title)
        # Text in braces would be a template; an address of a catalog is none.
        if name and name not in seen and "{" not in url and link_fault(url) is None:
            seen.add(name)
            yield name, url


def _name(title: str) -> str:
    """A title as the name of a link, apart from the names that a ticket's other links have."""
    kept = "".join(c if c.isalpha() or c.isdecimal() or c in " .-" else " " for c in title)
    name = " ".join(kept.split()).strip(" .-")[:40]
    return name.capitalize() if name in TAKEN else name


def _reference(owner: str) -> tuple[str, str]:
    """Kind and name of an entity reference such as `group:default/payments`."""
    kind, found, rest = owner.partition(":")
    kind, rest = (kind.lower(), rest) if found else ("", owner)
    return kind, rest.rpartition("/")[2]


def _group(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    """A text of at most 500 characters; empty for anything else."""
    return value.strip()[:500] if isinstance(value, str) else ""
