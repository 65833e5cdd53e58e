"""Hands the configuration to a child process: through a descriptor, with its own secrets alone.

A child's environment shows in `/proc` and goes on to whatever it starts; an open descriptor does
neither. What a child does not need is replaced by a value that fits, so that it loads as the
whole configuration would.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
from collections.abc import Collection, Mapping, MutableMapping
from typing import Any

from pydantic import SecretStr

from ticketing.config.environment import from_environ, is_setting
from ticketing.config.loading import merge
from ticketing.config.model import Config
from ticketing.config.process import EMBEDDED
from ticketing.config.secrets import explicit
from ticketing.config.values import Section

HANDOVER_VARIABLE = "TICKETING_HANDOVER"
"""The variable by which a supervisor tells a child the descriptor of its configuration."""
WITHHELD_HOST = "withheld.invalid"
"""In place of an address with a secret; a name that never resolves (RFC 6761)."""

_INHERITED = frozenset(
    {
        *("FORCE_COLOR", "HOME", "HOSTNAME", "LANG", "LANGUAGE", "LOGNAME", "NO_COLOR", "PATH"),
        *("PWD", "SHELL", "SSL_CERT_DIR", "SSL_CERT_FILE", "TERM", "TMPDIR", "TZ", "USER"),
        *("VIRTUAL_ENV", "all_proxy", "http_proxy", "https_proxy", "no_proxy"),
        *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    }
)
_INHERITED_PREFIXES = (
    *("DYLD_", "FAUST_", "LC_", "LD_", "MALLOC_", "OTEL_", "PROMETHEUS_", "PYTHON", "XDG_"),
    *("TICKETING_BENCH_", "TICKETING_INTERNAL_", "TICKETING_TEST_"),
)


def document_for(
    config: Config, kept: Collection[str], changed: Mapping[str, Any] | None = None
) -> bytes:
    """The configuration as JSON, with the secrets of the `kept` keys only.

    A key is that of a whole section, or of one setting within, such as `slack.signingSecret`.
    Beside it stand the settings that were `changed` since, without secrets.
    """
    tree = explicit(config)
    for name, field in type(config).model_fields.items():
        key = field.alias or name
        if key in tree and key not in kept:
            whole = tree[key]
            tree[key] = _withheld(getattr(config, name), whole)
            for within in (one.partition(".")[2] for one in kept if one.startswith(f"{key}.")):
                if within in whole:
                    tree[key][within] = whole[within]
    return json.dumps({"given": tree, "changed": changed or {}}).encode()


def inherited(environ: Mapping[str, str], *, models: bool) -> dict[str, str]:
    """The variables that a child inherits: none of ours, and of others those that carry no secret.

    OpenTelemetry's may hold the key of the receiver, to which every process sends. Clients of
    language models read variables of their own, as many as there are providers: `models` lets all
    others through.
    """
    return {
        name: value
        for name, value in environ.items()
        if name in _INHERITED
        or name.startswith(_INHERITED_PREFIXES)
        or (models and not name.startswith("TICKETING_"))
    }


def opened(document: bytes) -> int:
    """A descriptor from which a child reads the document; it has no name in any directory."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("ticketing-handover")
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(document)
    else:
        with tempfile.TemporaryFile() as file:
            file.write(document)
            file.flush()
            descriptor = os.dup(file.fileno())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def received(environ: MutableMapping[str, str]) -> tuple[Config, dict[str, Any]] | None:
    """The configuration that a supervisor has handed to this process, once; None without one.

    Beside it stand the settings that were changed since, not applied yet. Variables of settings
    win, as the supervisor sets one of a directory. The supervisor has found the rest valid.
    """
    given = environ.pop(HANDOVER_VARIABLE, None)
    if given is None:
        return None
    with os.fdopen(int(given), "rb") as file:
        handed = json.load(file)
    variables, _ = from_environ(environ)
    tree = merge(handed["given"], variables)
    return Config.model_validate(tree, by_alias=True, by_name=False), handed["changed"]


def forget(environ: MutableMapping[str, str]) -> None:
    """Remove the settings from the environment, once they are read: no child needs them."""
    for name in [name for name in environ if is_setting(name, environ[name])]:
        del environ[name]


def _withheld(value: Any, plain: Any) -> Any:
    """The plain form of a setting with its secrets replaced."""
    if isinstance(value, SecretStr):
        return _replacement(value.get_secret_value())
    if isinstance(value, Section):
        keys = {field.alias or name: name for name, field in type(value).model_fields.items()}
        return {key: _withheld(getattr(value, keys[key]), item) for key, item in plain.items()}
    if isinstance(value, dict):
        items = zip(value.values(), plain.items(), strict=True)
        return {key: _withheld(one, item) for one, (key, item) in items}
    if isinstance(value, (list, tuple)):
        return [_withheld(one, item) for one, item in zip(value, plain, strict=True)]
    return plain


def _replacement(secret: str) -> str:
    if secret == EMBEDDED:
        return secret
    scheme, separator, _ = secret.partition("://")
    # A fixed word would be a token that everybody knows, wherever one is compared with it.
    return f"{scheme}://{WITHHELD_HOST}" if separator else f"withheld-{secrets.token_hex(16)}"
