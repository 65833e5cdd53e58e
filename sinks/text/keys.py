"""Keys of incidents on platforms: by them tickets are found again, and no free text is one."""

from __future__ import annotations

TAG_PREFIX = "ticketing-"
"""The prefix of a key that stands among free tags or words."""
SEPARATOR = "."
"""Stands between installation and incident id, neither of which has it."""


def key_of(installation: str, incident_id: str) -> str:
    """The key of an incident in an installation; without a name for it, the id alone."""
    return f"{installation}{SEPARATOR}{incident_id}" if installation else incident_id


def is_key_of(key: str, incident_id: str) -> bool:
    """True for the incident's key in any installation."""
    return key.rpartition(SEPARATOR)[2] == incident_id


def tag_of(key: str) -> str:
    """The key as a tag or a word of a text."""
    return f"{TAG_PREFIX}{key}"


def free_tag(text: str) -> str:
    """Text of an incident as a tag that no key can equal, whatever its case."""
    return f"'{text}'" if text.strip().casefold().startswith(TAG_PREFIX) else text
