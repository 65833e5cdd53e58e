"""Secrets that stand where a command, a protocol or a statement of SQL has them."""

from __future__ import annotations

from ticketing.domain.scrubbing import judges
from ticketing.domain.scrubbing.kinds import Kind

_QUOTED = r"'[^'\r\n]*'?|\"[^\"\r\n]*\"?"
_WORD = r"\"?([^\s\[\"']+)"
_TOOLS = (
    r"mongo(?:sh|dump|restore|export|import)?|az|sqlcmd|bcp|isql|zip|unzip|7za?|rclone|cypher-shell|"
    r"influx|cqlsh|plink|pscp|psexec"
)
"""Commands whose -p or -P is a password."""

COMMANDS = (
    Kind(
        "secret",
        r"(?i)(?:^|\s)--?[a-z-]*(?:password|passwd|pass|token|secret|api-?key|access-?key)[ =]"
        r"(\"(?:[^\"\\\r\n]|\\.)*\"?|'[^'\r\n]*'?|[^\s\[]\S*)",
        judges.no_flag,
    ),
    Kind(
        "secret",
        r"(?i)\b(?:curl|wget|http)\s(?:[^\r\n]*?\s)?(?:-u\s?|--user[ =])"
        r"(?:\"[^\s:\"']+:([^\"\r\n]+)|'[^\s:\"']+:([^'\r\n]+)|[^\s:\"']+:([^\s\"']+))",
    ),
    Kind("secret", r"\b(?:mysql\w*|mariadb[\w-]*)\s(?:[^\r\n]*?\s)?-p([^\s\[]\S*)"),
    Kind("secret", r"\bredis-cli\s(?:[^\r\n]*?\s)?-a[ =]([^\s\[]\S*)", judges.no_flag),
    Kind("secret", r"\bdocker login\s(?:[^\r\n]*?\s)?-p[ =]?([^\s\[]\S*)", judges.no_flag),
    Kind("secret", r"\bldap\w+\s(?:[^\r\n]*?\s)?-w[ =]?([^\s\[]\S*)", judges.no_flag),
    Kind("secret", r"\s-pass(?:in|out)?\s+pass:([^\s\[]\S*)"),
    Kind("secret", r"(?i)\b(?:requirepass|masterauth)\s+([^\s\[]\S*)", judges.mixed),
    Kind("secret", r"\] \"(?i:auth)\" (\"[^\r\n]+)"),
    Kind("secret", r"%B(\d{13,19})\^"),
    Kind("secret", r"(?i)\bsshpass\s+-p\s*([^\s\[]\S*)|\bPGPASSWORD=(\S+)"),
    Kind("secret", rf"\b(?:{_TOOLS})\s(?:[^\r\n]*?\s)?-[pP][ =]?([^\s\[-][^\s]*)", judges.mixed),
    Kind("secret", r"\bsmbclient\s(?:[^\r\n]*?\s)?-U\s?[^\s%]+%([^\s\[]\S*)"),
    Kind("secret", r"\bhtpasswd\s(?:-\w+\s){1,3}\S+\s\S+\s([^\s\[]\S*)"),
    Kind(
        "secret",
        r"\brabbitmqctl\s(?:add_user|change_password|authenticate_user)\s\S+\s([^\s\[]\S*)",
    ),
    Kind("secret", r"\bopenssl\s(?:[^\r\n]*?\s)?-k\s([^\s\[]\S*)"),
    Kind(
        "secret",
        r"\becho\s(?:'|\")?([^|\r\n\[]+?)(?:'|\")?\s?\|\s?(?:sudo\s+-S|chpasswd|passwd|docker login)",
    ),
    Kind("secret", r"\bvault login ([^\s\[=-]\S*)", judges.mixed),
    Kind("secret", r"(?i)\bnet use [^\r\n]*?/user:\S+\s([^\s\[]\S*)"),
    Kind("secret", r"\baws configure set \w*(?:secret|token)\w* ([^\s\[]\S*)"),
    Kind("secret", rf"\b(?:AUTH|PASS) (?:[a-z]+ )?{_WORD}", judges.mixed),
    Kind("secret", r"\bAUTH(?:ENTICATE)? (?:PLAIN|LOGIN|XOAUTH2|CRAM-MD5) ([A-Za-z0-9+/=]{8,})"),
    Kind("secret", rf"\bLOGIN \"?[^\s\"]+\"? {_WORD}", judges.mixed),
    Kind("secret", rf"(?i)\bIDENTIFIED (?:WITH \S+ )?BY ({_QUOTED})"),
    Kind("secret", rf"(?i)\bPASSWORD\s{{1,3}}\(?[EN]?({_QUOTED})"),
    Kind("secret", rf"(?i)password\(\s?({_QUOTED})"),
    Kind("secret", rf"(?i)\bpassword\s(?:\?\?|\|\|)\s({_QUOTED})"),
    Kind("secret", rf"(?i)\bPASSWORD FOR [^=\r\n]{{1,200}}= ?({_QUOTED})"),
)
"""The forms; a group is the secret."""
