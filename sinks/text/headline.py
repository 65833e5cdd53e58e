"""The headline of a ticket: how bad, what fails for whom, where it began, and the error."""

from __future__ import annotations

import re

from ticketing.domain.incidents.incident import Incident, Kind
from ticketing.domain.summaries.by_rules import cause_of
from ticketing.domain.text import ELLIPSIS, cut, line

TITLE_CHARS_MAX = 200
"""One line in a list of tickets; platforms with a lower limit cut it further."""
SHARE_MIN = 0.005
"""A smaller share of failing requests would be shown as 0%."""
UNNAMED = "unnamed fault"

# A class or a logger before a colon stays: it is often the best word there is.
_PREFIX = re.compile(
    r"(?:\s+|[\[(<{|]*(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRIT|CRITICAL|FATAL"
    r"|PANIC)[\])>}|:]*(?!\w)|[\[(<]?\d{1,4}[-:/.]\d[\d:.,TZ/+_-]*[\])>]?(?!\w)"
    r"|[-\u2013\u2014|:>*=#~]+)+"
)
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/?#\"'<>()]*", re.IGNORECASE)
_ADDRESS = (
    r"\[[0-9a-f:.]{2,45}(?:%[\w.-]{1,20})?\](?::\d{1,5})?"
    r"|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.]*\w)"
    r"|(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}(?![\w:])"
)
_ID = (
    r"(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])"
    # Of letters alone a word could be made, of digits alone an amount.
    r"|(?<![\w-])(?=[0-9a-f]{0,63}[0-9])(?:0x)?[0-9a-f]{12,64}(?![\w-])"
    r"|(?<![\w.,-])\d{7,40}(?![\w.,-]*\w)"
)
_NOISE = re.compile(f"(?:{_ADDRESS}|{_ID})", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")


def headline(incident: Incident) -> str:
    """`[CRITICAL] checkout fails for 41% of requests, began in payment: gateway timed out`."""
    where = line(incident.service) or "unknown service"
    text = f"[{incident.severity.value.upper()}] {where}{broken(incident)}: {fault(incident)}"
    return cut(text, TITLE_CHARS_MAX)


def broken(incident: Incident) -> str:
    """The words after the name of the service, such as ` fails, began in payment`; or nothing."""
    failing, cause = failing_share(incident), began_in(incident)
    if not failing and not cause:
        return ""
    share = f" for {failing}" if failing else ""
    return f" fails{share}" + (f", began in {cause}" if cause else "")


def failing_share(incident: Incident) -> str:
    """The share of failing requests, such as `41% of requests`; empty if unknown or too small."""
    found = incident.correlation
    share = found.blast_radius.failing_share if found is not None else 0.0
    return f"{share:.0%} of requests" if share >= SHARE_MIN else ""


def began_in(incident: Incident) -> str:
    """The other service in which the fault began according to traces; or nothing."""
    cause = line(cause_of(incident))
    return "" if cause == line(incident.service) else cause


def fault(incident: Incident) -> str:
    """The fault in a line without time, level, addresses and ids, which the evidence shows."""
    whole = line(incident.title) or line(incident.pattern)
    if incident.kind is not Kind.FAULT:
        return whole or UNNAMED
    prefix = _PREFIX.match(whole)
    words = whole[prefix.end() if prefix else 0 :]
    words = line(_NOISE.sub(ELLIPSIS, _URL.sub("", words)))
    return (words if _LETTER.search(words) else whole) or UNNAMED
