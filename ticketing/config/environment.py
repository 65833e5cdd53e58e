"""Settings from environment variables and from files in a mounted directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

from ticketing.config.model import Config
from ticketing.config.problems import Problem, suggestion
from ticketing.config.schema import (
    bare,
    env_name,
    inside,
    is_section,
    keyed_by_severity,
    settings,
    upper_snake,
)
from ticketing.errors import Misconfigured

PREFIX = "TICKETING_"
RESERVED = frozenset(
    {
        "TICKETING_API_TOKEN",
        "TICKETING_API_TOKEN_FILE",
        "TICKETING_BEAT",
        "TICKETING_CONFIG",
        "TICKETING_EMBEDDED_BROKERS",
        "TICKETING_HANDOVER",
        "TICKETING_PARENT",
        "TICKETING_ROLE",
        "TICKETING_ROLES",
        "TICKETING_STATUS",
    }
)
"""Variables with the prefix that are not settings."""
RESERVED_PREFIXES = ("TICKETING_TEST_", "TICKETING_BENCH_", "TICKETING_INTERNAL_")
SECRET_BYTES_MAX = 65_536
"""Far above any key or token; a larger file in the directory was not meant as a secret."""
_NO_SECRETS = (".crt", ".pem", ".cer")

Found = tuple[tuple[str, ...], Any]


def from_environ(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """The settings in the environment, as a tree in camelCase, with their problems."""
    given: list[tuple[str, str]] = [
        (name, value) for name, value in sorted(environ.items()) if is_setting(name, value)
    ]
    return _tree(given)


def is_setting(name: str, value: str) -> bool:
    """True for a variable that is meant as a setting, or as nothing else that is known."""
    return (
        name.startswith(PREFIX)
        and name not in RESERVED
        and not name.startswith(RESERVED_PREFIXES)
        and not _set_by_kubernetes(name, value)
    )


def from_directory(directory: Path) -> tuple[dict[str, Any], list[Problem]]:
    """The settings in a directory of files, each named by its key or its environment variable.

    Certificates and hidden files (part of a mounted Secret) are ignored. Raises Misconfigured when
    the directory can't be read.
    """
    given: list[tuple[str, str]] = []
    problems: list[Problem] = []
    try:
        for file in sorted(directory.iterdir()):
            if file.name.startswith(".") or file.name.endswith(_NO_SECRETS) or not file.is_file():
                continue
            if file.stat().st_size > SECRET_BYTES_MAX:
                problems.append(Problem((), f"{file}: larger than {SECRET_BYTES_MAX} bytes"))
                continue
            given.append((file.name, file.read_text(encoding="utf-8").strip()))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Misconfigured(f"secretsDir: can't read {directory}: {reason}") from None
    tree, wrong = _tree(given)
    return tree, problems + wrong


def _set_by_kubernetes(name: str, value: str) -> bool:
    """True for Kubernetes's description of a service named `ticketing` or `ticketing-…`."""
    if "__" in name:
        return False
    return (
        name.endswith(("_SERVICE_HOST", "_SERVICE_PORT"))
        or ("_PORT" in name and (value.startswith(("tcp://", "udp://")) or "_TCP" in name))
        or "_SERVICE_PORT_" in name
    )


def _tree(given: list[tuple[str, str]]) -> tuple[dict[str, Any], list[Problem]]:
    tree: dict[str, Any] = {}
    problems: list[Problem] = []
    # Sections before their keys, so that a key wins over its section's JSON.
    for name, value in sorted(given, key=lambda item: item[0].count("__") + item[0].count(".")):
        found = path_of(name)
        if found is None:
            problems.append(Problem((name,), f"is not a setting{_near(name)}"))
            continue
        path, annotation = found
        if not value.strip() and not _is_list(annotation):
            # Compose files and charts set a variable without a value to the empty string.
            continue
        try:
            _put(tree, path, parse(value, annotation))
        except ValueError as error:
            problems.append(Problem((name,), str(error)))
    return tree, problems


def path_of(name: str) -> Found | None:
    """The path and type of the setting named by a variable or a file; None for no setting."""
    by_variable = name.startswith(PREFIX)
    parts = name[len(PREFIX) :].split("__") if by_variable else name.split(".")
    path: tuple[str, ...] = ()
    annotation: Any = Config
    for part in parts:
        key = _key(annotation, part, by_variable)
        if key is None:
            return None
        path, annotation = (*path, key), inside(annotation, key)
    return path, annotation


def _key(annotation: Any, part: str, by_variable: bool) -> str | None:
    if is_section(annotation):
        keys = [field.alias or name for name, field in annotation.model_fields.items()]
        spelt = upper_snake if by_variable else str
        return next((key for key in keys if spelt(key) == part), None)
    if get_origin(annotation) is dict and part:
        # Files keep the case of names of services and tenants; variables are upper case.
        return part.lower() if by_variable or keyed_by_severity(annotation) else part
    return None


def parse(text: str, annotation: Any) -> Any:
    """A variable's text as a setting of that type; raises ValueError.

    Lists are comma-separated or JSON, groups are JSON or `key=value,key=value`. The error never
    quotes the text, which may be a secret.
    """
    text = text.strip()
    grouped = get_origin(bare(annotation)) is dict or is_section(annotation)
    if text.startswith(("[", "{")) and (grouped or _is_list(annotation)):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"is not valid JSON: {error.msg} at character {error.pos}") from None
    if _is_list(annotation):
        return [item.strip() for item in text.split(",") if item.strip()]
    if grouped and "=" in text:
        pairs = [item.split("=", 1) for item in text.split(",") if item.strip()]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError("must be JSON or key=value,key=value")
        return {key.strip(): value.strip() for key, value in pairs}
    return text


def _is_list(annotation: Any) -> bool:
    return get_origin(bare(annotation)) is tuple


def _near(name: str) -> str:
    if name.startswith(PREFIX):
        names = [env_name(setting.path) for setting in settings(Config)]
        return suggestion(name, [*names, *RESERVED], cutoff=0.75)
    return suggestion(name, [setting.dotted for setting in settings(Config)], cutoff=0.75)


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        below = tree.setdefault(part, {})
        if not isinstance(below, dict):
            below = tree[part] = {}
        tree = below
    tree[path[-1]] = value
