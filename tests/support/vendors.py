"""The calls of the vendors' published descriptions that we may make, and what belongs to them.

`{}` in a path stands for one segment. `?name` may be in the query, and nothing else. Of a body:
`name!` must be there, others may be, and with `...` any other too; where no field is named there is
no body. The numbers are the statuses of success.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """The description of one vendor; `VENDOR` in `tests/contract/platforms/<name>.py`."""

    calls: str
    """A call a line, as the head of this module explains."""
    refusals: frozenset[int]
    """The statuses with which the vendor refuses a call, whichever it is."""
    prefix: str = ""
    """Expression for the beginning of every path that does not have it written out."""


def vendor(platform: str) -> Vendor:
    """The description of a platform's vendor."""
    found: Vendor = importlib.import_module(f"contract.platforms.{platform}").VENDOR
    return found


def unfit(line: Mapping[str, Any]) -> Iterator[str]:
    """What in a recorded request, or in its answer, its vendor's description does not have."""
    platform, path = line["platform"], line["path"]
    described = vendor(platform)
    said = f"{line['method']} {path}"
    for call in described.calls.strip().splitlines():
        method, template, *parts = call.split()
        words = (re.escape(word) for word in template.split("{}"))
        written_out = re.match(described.prefix, template)
        prefix = "" if written_out else described.prefix
        if method == line["method"] and re.fullmatch(prefix + "[^/]+".join(words), path):
            yield from (f"{said}: {fault}" for fault in _faults(line, parts, described.refusals))
            return
    yield f"{said} is no call of {platform}"


def _faults(line: Mapping[str, Any], parts: list[str], refusals: frozenset[int]) -> Iterator[str]:
    asked = {part[1:] for part in parts if part.startswith("?")}
    yield from (f"?{name} is unknown" for name in sorted(line["query"].keys() - asked))
    known = {int(part) for part in parts if part.isdecimal()} | refusals
    if line["status"] not in known:
        yield f"status {line['status']} is unknown"
    fields = [part for part in parts if not part.startswith("?") and not part.isdecimal()]
    yield from _faults_of_body(line["body"], fields)


def _faults_of_body(body: Any, fields: list[str]) -> Iterator[str]:
    if not fields and body is not None:
        yield "there is no body"
        return
    given = {} if body is None else body
    if not isinstance(given, dict):
        yield "the body is no object"
        return
    required = [name[:-1] for name in fields if name.endswith("!")]
    yield from (f"{name} is missing" for name in required if name not in given)
    known = {name.rstrip("!") for name in fields}
    if "..." not in known:
        yield from (f"{name} is unknown" for name in sorted(given.keys() - known))
