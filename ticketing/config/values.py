"""The types of settings: durations, addresses, rates, choices by severity."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticKnownError

from ticketing.domain.severity import Severity

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_RATE = re.compile(r"([1-9]\d{0,8})/(second|minute|hour)")
_OFF = frozenset({"", "off", "none", "never", "null"})
DURATION_SECONDS_MAX = 10 * 365 * 86400.0
"""Ten years, within the range of all clocks; a longer time is a misspelt unit."""


class Section(BaseModel):
    """A group of settings: frozen, camelCase in files, without unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        validate_default=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


def seconds(value: Any) -> Any:
    """A duration such as "15m", "1h30m" or "500ms" in seconds; plain numbers are seconds.

    Raises ValueError for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError('must be a duration such as "30s", "15m" or "1h30m"')
    if isinstance(value, str):
        text = value.strip().replace(" ", "")
        if _NUMBER.fullmatch(text):
            value = float(text)
        elif _DURATION.fullmatch(text):
            value = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
        else:
            raise ValueError('must be a duration such as "30s", "15m" or "1h30m"')
    if value > DURATION_SECONDS_MAX:
        raise ValueError("must be at most ten years")
    return value


def seconds_or_off(value: Any) -> Any:
    """As `seconds`, with None for "off"; YAML reads a bare off as False."""
    if value is None or value is False:
        return None
    if isinstance(value, str) and value.strip().lower() in _OFF:
        return None
    return seconds(value)


def duration_text(value: float) -> str:
    """Seconds in the form of the configuration: 5400 as "1h30m", 0.25 as "250ms"."""
    if value != int(value):
        milliseconds = value * 1000
        whole = milliseconds == int(milliseconds)
        return f"{int(milliseconds)}ms" if whole else f"{value:g}s"
    text, rest = "", int(value)
    for unit in ("d", "h", "m", "s"):
        number, rest = divmod(rest, int(_UNITS[unit]))
        text += f"{number}{unit}" if number else ""
    return text or "0s"


Duration = Annotated[float, Field(gt=0), BeforeValidator(seconds)]
Wait = Annotated[float, Field(ge=0), BeforeValidator(seconds)]
"""A duration that may be zero."""
OptionalDuration = Annotated[Annotated[float, Field(gt=0)] | None, BeforeValidator(seconds_or_off)]


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", value):
        raise ValueError('must be an http(s) URL such as "https://host/path"')
    if parts.username or parts.password:
        raise ValueError("must not hold a user or password: use the settings for these")
    if parts.query or parts.fragment:
        raise ValueError("must not have a query or fragment")
    _port(parts)
    return value.rstrip("/")


def _port(parts: Any) -> None:
    try:
        valid = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("must have a port between 1 and 65535")


def _secret_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError('must be an http(s) URL such as "https://host/path"')
    _port(parts)
    return value


def _not_blank(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("must not be empty")
    return value


def _known(severity: Severity) -> Severity:
    if not severity.is_known:
        *others, last = (repr(known.value) for known in Severity)
        raise PydanticKnownError("enum", {"expected": f"{', '.join(others)} or {last}"})
    return severity


def _rate(value: str) -> str:
    if not _RATE.fullmatch(value):
        raise ValueError('must be a rate such as "10/second", "120/minute" or "1000/hour"')
    return value


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError('must be an address or a network such as "10.0.0.0/8"') from None


Url = Annotated[str, AfterValidator(_http_url)]
Network = Annotated[str, AfterValidator(_network)]
"""A network in CIDR notation, without bits of a host."""


def without(*endings: str) -> AfterValidator:
    """Removes the usual copied endings of an address."""

    def strip(value: str) -> str:
        for ending in endings:
            value = value.removesuffix(ending)
        return value

    return AfterValidator(strip)


Secret = Annotated[SecretStr, AfterValidator(_not_blank)]
SecretUrl = Annotated[SecretStr, AfterValidator(_not_blank), AfterValidator(_secret_url)]
"""An http(s) address whose path is a secret."""
Rate = Annotated[str, AfterValidator(_rate)]
Name = Annotated[str, Field(min_length=1, max_length=500)]
KnownSeverity = Annotated[Severity, AfterValidator(_known)]
"""One of the listed severities: the type itself takes those of other releases too."""
BySeverity = dict[KnownSeverity, Name]


def over(defaults: Mapping[Severity, str]) -> Callable[[Any], Any]:
    """A validator that completes a partial mapping by severity from its defaults."""
    plain = {severity.value: value for severity, value in defaults.items()}

    def merge(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        given = {key.value if isinstance(key, Severity) else key: value[key] for key in value}
        return {**plain, **given}

    return merge


def mapping(critical: str, high: str, medium: str, low: str) -> dict[Severity, str]:
    """A mapping by severity, from the arguments in falling order."""
    return dict(zip(Severity, (critical, high, medium, low), strict=True))


class Choice(Section):
    """A name chosen by service, else by the catalog, else by tenant, else by severity."""

    services: dict[str, Name] = Field(default_factory=dict)
    """By the incident's service; wins over the others."""
    tenants: dict[str, Name] = Field(default_factory=dict)
    """By the incident's tenant."""
    severities: BySeverity = Field(default_factory=dict)
    """By the incident's severity."""

    def choose(
        self,
        service: str,
        tenant: str,
        severity: Severity,
        default: str = "",
        catalog: str | None = None,
    ) -> str:
        """The chosen name, or the default; `catalog` is what the catalog has for the service."""
        for name in (self.services.get(service), catalog or None, self.tenants.get(tenant)):
            if name is not None:
                return name
        return self.severities.get(severity.nearest, default)

    def names(self) -> set[str]:
        """Every name that could be chosen."""
        return {
            *self.services.values(),
            *self.tenants.values(),
            *self.severities.values(),
        }


def reveal(secret: SecretStr | None) -> str:
    """The value of a secret, for a request; empty for None."""
    return "" if secret is None else secret.get_secret_value()
