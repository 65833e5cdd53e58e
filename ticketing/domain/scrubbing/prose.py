"""Secrets within sentences: a word of letters and digits where people and programs tell one."""

from __future__ import annotations

from ticketing.domain.scrubbing import judges
from ticketing.domain.scrubbing.kinds import Kind

_PASSWORD = r"(?:password|passwort|passwd|passphrase|passcode|pwd|secret|credentials?|pin)"
_WORD = r"[\"'`(\[<]?([^\s\"'`\[\])>]+)"
_CODE = (
    r"(?:otp|pin|(?:one[ -]time|verification|security|login|2fa|mfa|auth|confirmation|access|sms)"
    r"[ -](?:pass)?(?:code|pin))"
)

PROSE = (
    Kind(
        "secret",
        r"(?i)[?&](?:key|code|auth|sid|session)=([A-Za-z0-9_.~/%-]{10,})",
        judges.all_kinds,
    ),
    Kind(
        "secret",
        r"(?i)\bpin(?:[_-]?(?:code|no|nr|number))?\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?(\d{4,8})\b",
    ),
    Kind(
        "secret",
        r"(?i)\b(?:api[ _-]?key|token|session)\s(?:is\s|was\s|of\s)?[\"'`(]?([A-Za-z0-9_.~+/=-]{10,})",
        judges.key_like,
    ),
    Kind(
        "secret",
        r"(?i)/(?:reset|password|confirm|verify|invite|magic|unsubscribe)/([\w.~-]{12,})",
        judges.key_like,
    ),
    Kind(
        "secret",
        rf"(?i)\b{_PASSWORD}(?:\s(?:[-|] )?(?:(?:is|was|of|now):? )?{_WORD}|[(\[]([^\s()\[\]]+)[)\]])",
        judges.mixed,
    ),
    Kind(
        "secret",
        rf"(?i)\b{_PASSWORD} (?:for|of) [^=\r\n]{{1,80}}?(?:\s?=|:|\sis|\swas)\s{{1,2}}{_WORD}",
        judges.mixed,
    ),
    Kind(
        "secret",
        rf"(?i)\b{_PASSWORD} (?:(?:has|have|had|is|was|been|being|now) ){{0,3}}"
        rf"(?:set|reset|changed|updated|rotated) (?:from \S+ )?to {_WORD}",
        judges.mixed,
    ),
    Kind(
        "secret",
        rf"(?i)\b{_PASSWORD} (?:[a-z]+ ){{0,3}}changed from {_WORD}",
        judges.mixed,
    ),
    Kind(
        "secret",
        rf"(?i)\b{_PASSWORD} you (?:entered|gave|sent|typed|provided)[,:]? {_WORD}",
        judges.mixed,
    ),
    Kind("secret", rf"(?i)\b{_PASSWORD}\r?\n[-=]{{3,}}\r?\n([^\s\[]\S*)"),
    Kind("secret", rf"(?i)\bcredentials?:? [\w.@-]{{1,60}}\s?[:/]\s?{_WORD}", judges.mixed),
    Kind("secret", rf"(?i)\b{_CODE}\s(?:is\s|was\s)?[:\"'(]?(\d{{4,8}})\b"),
    Kind("secret", r"(?i)\bcode (\d{4,8}) is your\b"),
    Kind(
        "secret",
        r"(?i)[\"'](?:login|auth|userpwd)[\"']\s?[:=]\s?[\"'][\w.@-]{1,60}:([^\s\"']+)[\"']",
    ),
)
"""The forms; a group is the secret."""
