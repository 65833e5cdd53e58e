"""The kinds of secrets and personal data that are known by their own form, in RE2's linear time.

The forms are those that the vendors document. A group is the part that goes; without one the whole
match goes. A candidate is judged where the form alone says too little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ticketing.domain.scrubbing import judges
from ticketing.domain.scrubbing.judges import Found

PRIVATE_IP = "private ip"
"""The kind of addresses that no other network can reach, which `privacy.scrub.keep` can name."""


RANDOM = "random word"
"""The kind of long words of no known form."""
NAMES_HAVE = frozenset({RANDOM, "ip", "mac"})
"""Kinds whose forms names of machines and services have."""


class Kind(NamedTuple):
    """One form of a kind. `alone`: no letter, digit, dash or dot may stand beside it."""

    name: str
    form: str
    judge: Callable[[Found], bool] | None = None
    alone: bool = False


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_GAP = r"(?: |\+|%20)"
_PARAMETERS = r"(?:\s{0,2},\s{0,2}[A-Za-z]+=(?:\\?\"[^\"\r\n]*\"?|[^\s,;\"']+))*"
_SCHEMES = (
    r"basic|bearer|digest|token|apikey|negotiate|ntlm|splunk|sharedaccesssignature|"
    r"aws4-hmac-sha256|genie-?key|pveapitoken|ssws|aws|hawk|oauth|dpop|vapid|mac|sso-key|key|"
    r"api-?key|hmac[\w-]*|signature|macaroon|bot|zoho-oauthtoken|googlelogin"
)

WHOLE = (
    Kind(
        "private key",
        rf"-{{4,5}}{_GAP}?BEGIN{_GAP}(?:[A-Z0-9]+{_GAP}){{0,3}}PRIVATE{_GAP}KEY(?:{_GAP}BLOCK)?{_GAP}?-{{4,5}}"
        rf"(?s:.*?)(?:-{{4,5}}{_GAP}?END{_GAP}(?:[A-Z0-9]+{_GAP}){{0,3}}PRIVATE{_GAP}KEY(?:{_GAP}BLOCK)?"
        rf"{_GAP}?-{{4,5}}|\z)",
    ),
    Kind("private key", r"PuTTY-User-Key-File-\d(?s:.*?)(?:Private-MAC: [0-9a-f]+|\z)"),
    Kind("private key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    Kind("jwt", r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)*"),
    Kind(
        "webhook",
        r"(?i)https?://(?:hooks\.slack\.com/(?:services|workflows|triggers)|hooks\.zapier\.com/hooks|"
        r"(?:[\w-]+\.)?discord(?:app)?\.com/api/webhooks|[\w.-]+\.webhook\.office\.com|"
        r"outlook\.office\.com/webhook|api\.telegram\.org/bot|events\.pagerduty\.com/integration|"
        r"maker\.ifttt\.com/trigger)[^\s\"'<>]+",
    ),
    # The last @ ends the user's part: passwords may hold one, and a slash.
    Kind(
        "credentials",
        r"(?i)\b[a-z][a-z0-9+.-]*://([^\s/\"'<>]*:[^\s/\"'<>]+)@",
    ),
    Kind(
        "credentials",
        r"(?i)\b[a-z][a-z0-9+.-]*://([^\s/\"'<>:@]*:[^\s\"'<>]+)@",
        judges.no_port,
    ),
    Kind("credentials", r"(?i)\bhttps?://([^\s/\"'<>:@]{16,})@"),
    Kind("credentials", r"\b([\w.-]+:[^\s/@\"'<>]+)@(?:tcp|unix)\("),
    Kind("credentials", r"\b([\w.-]+:[^\s/@\"'<>]+)@[A-Za-z0-9.-]+:\d", judges.not_done),
    Kind("credentials", r"\b(\w+/[^\s/@\"'<>]+)@(?://|[A-Za-z0-9.-]+:\d)"),
    Kind(
        "secret",
        r"(?i)\b(?:proxy-|x-)?authorization\\?[\"']?\s{0,3}(?:=>|[:=])\s{0,3}\\?[\"']?"
        rf"((?:(?:{_SCHEMES})\s{{1,3}})?(?:[A-Za-z]+=\\?\"[^\"\r\n]*\"?|[^\s\"',;\[]{{4,}}){_PARAMETERS})",
        judges.no_prose,
    ),
    Kind("secret", r"(?i)\bbasic\s{1,3}([A-Za-z0-9+/]{6,}={0,2})", judges.login),
    Kind("secret", r"(?i)\bcookie\s([\w.-]+=[^\s;,\"']+)", judges.key_like),
    Kind("secret", r"(?i)\bcookies?\[[^\]\r\n]{1,60}\]\s?=\s?([^\s;]+)"),
    Kind(
        "secret",
        r"(?i)\b(?:bearer|basic|negotiate|geniekey)\s{1,3}([A-Za-z0-9._~+/=-]{12,})",
        judges.telling,
    ),
    Kind(
        "secret",
        r"(?i)\b(?:set-)?cookies?\\?[\"']?\s{0,3}[:=,]\s{0,3}([^\r\n]+)",
        judges.assigns,
    ),
)
"""Kinds that come before the search for keys, which would tear their matches apart."""

TOKENS = (
    Kind("aws key", r"\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|ANPA|ANVA|AIPA)[A-Z0-9]{16}\b"),
    Kind("google key", r"\bAIza[A-Za-z0-9_-]{35}"),
    Kind("google key", r"\bGOCSPX-[A-Za-z0-9_-]{20,}"),
    Kind("google token", r"\bya29\.[A-Za-z0-9_-]{10,}"),
    Kind("google token", r"\b1//0[A-Za-z0-9_-]{20,}"),
    Kind("azure secret", r"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}"),
    Kind("azure token", r"\b[a-z2-7]{52}\b", judges.has_digits),
    Kind("github token", r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    Kind("github token", r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
    Kind(
        "gitlab token", r"\bgl(?:pat|dt|rt|cbt|ptt|soat|ft|imt|agent|oas|ffct)-[A-Za-z0-9_.-]{20,}"
    ),
    Kind("gitlab token", r"\bGR1348941[A-Za-z0-9_-]{20,}"),
    Kind("slack token", r"\bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}"),
    Kind("api key", r"\bsk-[A-Za-z0-9_-]{16,}"),
    Kind("api key", r"\b[rsp]k_(?:live|test)_[A-Za-z0-9]{10,}|\bwhsec_[A-Za-z0-9+/=]{16,}"),
    Kind("api key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    Kind("api key", r"\bkey-[0-9a-f]{32}\b|\b[0-9a-f]{32}-us\d{1,2}\b"),
    Kind("api key", r"\bNR(?:AK|JS|AA|II)-[A-Za-z0-9_-]{20,}|\b[0-9a-f]{36}NRAL\b"),
    Kind("api key", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}|\bAKCp[A-Za-z0-9]{10,}"),
    Kind("api key", r"\bsq0(?:atp|csp|idp)-[A-Za-z0-9_-]{20,}|\bEAAA[A-Za-z0-9_-]{56,}"),
    Kind("api key", r"\bdapi[0-9a-f]{32}(?:-\d)?\b"),
    Kind(
        "token",
        r"\b(?:npm|pypi|hf|dop_v1|doo_v1|dor_v1|shp(?:at|ss|ca|pa)|atlasv1|lin_api|rubygems|dckr_pat|"
        r"dckr_oat|glsa|glc|sntrys|sntryu|figd|ntn|secret|pscale_(?:tkn|pw|oauth)|rdme|tk[a-z]|"
        r"oy2|PMAT|HRKU|phc|phx|gsk|r8|nvapi|pat|xai|fo1|CFPAT|bkua|tskey|sbp|duffel_(?:live|test)|rnd|"
        r"vercel_blob_rw|pplx|ops|nfp|lip|ory_[a-z]{2,3}|cio|fly|railway|sess|aio|dnkey|uk|exa|tvly)"
        r"[_-][A-Za-z0-9_-]{20,}",
        judges.has_digits,
    ),
    Kind("token", r"\bdp\.(?:pt|st|ct|scim|audit)\.[A-Za-z0-9_.-]{20,}|\bsl\.[A-Za-z0-9_-]{60,}"),
    Kind("atlassian token", r"\bAT(?:ATT|CTT|BB)[A-Za-z0-9_=-]{20,}"),
    Kind("vault token", r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}|\bs\.[A-Za-z0-9]{24}\b"),
    Kind("token", r"\bEAA[A-Za-z]{0,12}[A-Za-z0-9]{20,}\b", judges.has_digits),
    Kind("api key", r"\bLTAI[A-Za-z0-9]{16,26}\b"),
    Kind("token", r"\bperm:[A-Za-z0-9+/=]{4,}\.[A-Za-z0-9+/=]{4,}\.[A-Za-z0-9]{20,}"),
    Kind("token", r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b"),
    Kind("api key", r"\beyJrIjoi[A-Za-z0-9+/_-]{20,}={0,2}"),
    Kind("twilio key", r"\b(?:AC|SK)[0-9a-f]{32}\b"),
    Kind("telegram token", r"\b\d{8,10}:AA[A-Za-z0-9_-]{32,35}\b"),
    Kind("discord token", r"\b[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"),
    Kind(
        "password hash",
        r"\$(?:2[abxy]|1|5|6|y|7|gy|apr1|argon2(?:id|i|d)|scrypt)\$[./A-Za-z0-9$,=+-]{10,}"
        r"|\{S?(?:SHA|MD5)\d*\}[A-Za-z0-9+/=]{16,}|\bpbkdf2_sha\d+\$\d+\$[./A-Za-z0-9$=+-]{10,}",
    ),
)
"""Keys and tokens of vendors."""

PERSONAL = (
    Kind(
        "email",
        r"[A-Za-z0-9._%+'\xff-]*[A-Za-z0-9_+\xff-](?:@|%40|&#64;|\\u0040)"
        r"(?:[A-Za-z0-9\xff](?:[A-Za-z0-9\xff-]*[A-Za-z0-9\xff])?\.)+[A-Za-z\xff]{2,24}",
        judges.mailbox,
    ),
    Kind("mac", r"(?i)[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}", judges.has_letters, alone=True),
    Kind("mac", r"\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}", judges.mac),
    Kind("ip", r"\b(?:ip|ec2)(?:-\d{1,3}){4}\b"),
    Kind("ip", rf"(?:{_OCTET}\.){{3}}{_OCTET}", judges.ipv4, alone=True),
    Kind(
        "ip",
        r"(?:::|\b[0-9A-Fa-f]{1,4}:)[0-9A-Fa-f:]*"
        r"(?:[0-9A-Fa-f]\b|::)(?:(?:\d{0,3}\.)(?:\d{1,3}\.){2}\d{1,3})?",
        judges.ipv6,
    ),
    Kind("iban", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", judges.iban),
    Kind("iban", r"(?i)\biban\W{1,3}([a-z]{2}\d{2}(?: ?[a-z0-9]){11,30})", judges.iban),
    Kind("card", r"[2-6](?:[ -]?\d){12,18}|[2-6]\d{3}(?:[._]\d{4}){3}", judges.card, alone=True),
    Kind("secret", r"(?i)\bpassport\s(?:is\s)?([A-Z0-9]{8,10})\b", judges.mixed),
    Kind("ssn", r"\d{3}-\d{2}-\d{4}", judges.ssn, alone=True),
    Kind(
        "phone",
        r"\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]?\d{2,4}){2,4}",
        judges.phone,
        alone=True,
    ),
    Kind(
        "phone",
        r"(?i)(?:\b|_)(?:phone|mobile|msisdn|telephone|telefon|tel|fax)(?:[_ -]?(?:number|no|nr))?"
        r"\\?[\"']?\s{0,2}[:=]\s{0,2}\\?[\"']?(\+?[\d(][\d ()./-]{5,}\d)",
    ),
    Kind(RANDOM, r"[A-Za-z0-9+/_-]{28,}={0,2}", judges.random),
)
"""Personal data, addresses, and at last long words of no known form."""

NAMES = frozenset({kind.name for kind in (*WHOLE, *TOKENS, *PERSONAL)} | {PRIVATE_IP})
"""The names of all kinds, as they stand in brackets in the place of what went."""
