"""A configuration with a fake secret wherever one can stand, to be looked for where none may be."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from pydantic import SecretStr

from ticketing.config import Config
from ticketing.config.schema import bare, is_section
from ticketing.sandbox.credentials import sandbox_config

MARK = "planted"
"""The beginning of every fake secret; its path follows."""


def planted(base_url: str = "http://127.0.0.1:1") -> dict[str, Any]:
    """A tree in which every secret is `planted-<path>` or an address that holds it."""
    tree = _section(Config, ())
    for name, section in sandbox_config(base_url).items():
        known = {key: item for key, item in section.items() if key not in tree.get(name, {})}
        tree[name] = {**known, **tree.get(name, {})}
    tree["servicenow"]["clientId"] = "a-client"
    tree["llm"] |= {"provider": "openai", "model": "gpt-4"}
    tree["redis"] = {"url": f"redis://:{MARK}-redis@127.0.0.1:1/0"}
    return tree


def mark_of(*path: str) -> str:
    """The secret at a path."""
    return "-".join((MARK, *path)).lower()


def _section(kind: Any, path: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        key = field.alias or name
        made = _value(bare(field.annotation), (*path, key))
        if made is not None:
            found[key] = made
    return found


def _value(annotation: Any, path: tuple[str, ...]) -> Any:
    if annotation is SecretStr:
        secret = mark_of(*path)
        return f"http://127.0.0.1:1/{secret}" if path[-1].lower().endswith("url") else secret
    if is_section(annotation):
        return _section(annotation, path) or None
    if get_origin(annotation) is dict:
        made = _value(bare(get_args(annotation)[1]), (*path, "one"))
        return {"high": made} if made is not None else None
    return None
