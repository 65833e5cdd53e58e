"""Every platform, in one shape each, configured against a fleet's sandbox."""

from __future__ import annotations

from typing import Any

from support.contract import Subject, subjects
from support.fleet import Fleet
from support.sandbox import SandboxProcess

from ticketing.config import PLATFORMS


def plain_subjects() -> dict[str, Subject]:
    """Of each platform the richest shape, as the sandbox configures it."""
    chosen: dict[str, Subject] = {}
    for subject in subjects():
        known = chosen.get(subject.platform)
        if known is None or _leanness(subject) < _leanness(known):
            chosen[subject.platform] = subject
    assert set(PLATFORMS) <= set(chosen), "a platform without a contract"
    return {name: chosen[name] for name in PLATFORMS}


def _leanness(subject: Subject) -> tuple[bool, int]:
    return subject.message_only, len(subject.without)


def enable(fleet: Fleet, platforms: dict[str, Subject], **section: Any) -> SandboxProcess:
    """Start the sandbox, and enable these platforms against it in their shapes."""
    sandbox = fleet.with_sandbox(*platforms)
    for name, subject in platforms.items():
        fleet.configure(**{name: {**subject.section(sandbox.url), **section}})
        for key in subject.without:
            fleet.config[name].pop(key, None)
    return sandbox
