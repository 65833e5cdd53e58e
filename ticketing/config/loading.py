"""Loads a valid configuration from a file, mounted secrets and the environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ticketing.config.checks import contradictions
from ticketing.config.environment import from_directory, from_environ
from ticketing.config.foreign import translated
from ticketing.config.model import Config
from ticketing.config.platforms import PLATFORMS
from ticketing.config.problems import Problem, explain, of_absent_secret, suggestion
from ticketing.config.readdressed import kept_secrets
from ticketing.config.secrets import explicit
from ticketing.errors import Misconfigured
from ticketing.log import MASK

HELM_KEY = "logclaw-ticketing-agent"
PATCHABLE = ("platforms", "routing", "anomaly", "llm")
CHANGEABLE = frozenset((*PATCHABLE[1:], *PLATFORMS))
"""The top-level keys of changes, wherever these were kept."""


KEYS = frozenset(field.alias or name for name, field in Config.model_fields.items())
"""The top-level keys of a configuration."""
Needed = Callable[[Config], Collection[str]]
"""The top-level keys whose secrets a process needs, by the configuration."""


def load(
    path: Path | None,
    environ: Mapping[str, str],
    *,
    without_secrets: bool = False,
    needed: Needed | None = None,
) -> Config:
    """The configuration from a JSON or YAML file, mounted secrets and the environment.

    The environment wins over mounted secrets, and those over the file. Without a path the file
    named by TICKETING_CONFIG is read, if any. `without_secrets` leaves out secrets that are
    missing, and files that only the installation has; `needed` those of other keys. Raises
    Misconfigured with every problem at once.
    """
    tree, problems = given(path, environ, without_secrets=without_secrets)
    tree = _with_data_dir(tree, environ)
    return validate(tree, problems, without_secrets=without_secrets, needed=needed)


def given(
    path: Path | None, environ: Mapping[str, str], *, without_secrets: bool = False
) -> tuple[dict[str, Any], list[Problem]]:
    """The settings as given, in camelCase and not yet checked, with the problems found so far.

    As `load` has them: raises Misconfigured for a file or directory that can't be read.
    """
    path = path or named_file(environ)
    tree = translated(read_file(path)) if path is not None else {}
    variables, problems = from_environ(environ)
    directory = variables.get("secretsDir") or tree.get("secretsDir")
    if isinstance(directory, str) and not without_secrets:
        secrets, wrong = from_directory(Path(directory))
        tree, problems = merge(tree, secrets), problems + wrong
    return merge(tree, variables), problems


def named_file(environ: Mapping[str, str]) -> Path | None:
    """The file that TICKETING_CONFIG names, if any."""
    name = environ.get("TICKETING_CONFIG")
    return Path(name) if name else None


def validate(
    given: Mapping[str, Any],
    problems: list[Problem] | None = None,
    *,
    without_secrets: bool = False,
    needed: Needed | None = None,
) -> Config:
    """The configuration in a tree of camelCase keys.

    Raises Misconfigured with every problem, the given `problems` included."""
    found = list(problems or [])
    config = _parse(given, found)
    if config is None:
        # A second pass without the wrong values, so that contradictions among the rest show up in
        # the same run.
        rest = _without(given, [problem.path for problem in found])
        config = _parse(rest, [])
    if config is not None:
        known = {problem.path for problem in found}
        kept = needed(config) if needed else () if without_secrets else KEYS
        found += [
            problem
            for problem in contradictions(config)
            if not _about(problem.path, known)
            and (problem.path[0] in kept or not of_absent_secret(problem))
        ]
    if found or config is None:
        raise Misconfigured([str(problem) for problem in dict.fromkeys(found)])
    return config


def apply_patch(config: Config, section: str, patch: Mapping[str, Any]) -> Config:
    """The configuration with a change to one section: platforms, routing, anomaly or llm.

    A JSON merge patch (RFC 7396): null restores a key's default, lists are replaced. A secret given
    as `****` is kept, unless the address that it goes to changes. Raises Misconfigured.
    """
    return apply_changes(config, change_of(section, patch))


def change_of(section: str, patch: Mapping[str, Any]) -> dict[str, Any]:
    """The change by top-level keys that a patch of one section is; raises Misconfigured."""
    if section not in PATCHABLE:
        raise Misconfigured(
            f"{section}: can't be changed here; sections that can: {', '.join(PATCHABLE)}"
        )
    if not isinstance(patch, Mapping):
        raise Misconfigured(f"{section}: must be a group of keys")
    if section == "platforms":
        strange = [
            f"{name}: is not a platform{suggestion(str(name), PLATFORMS)}"
            for name in patch
            if name not in PLATFORMS
        ]
        if strange:
            raise Misconfigured(strange)
    return dict(patch) if section == "platforms" else {section: dict(patch)}


def apply_changes(
    config: Config, change: Mapping[str, Any], needed: Needed | None = None
) -> Config:
    """The configuration with changes by top-level keys, as `apply_patch` has them.

    `needed` are the keys whose secrets must be there, else all. Raises Misconfigured.
    """
    strange = [
        f"{name}: can't be changed while running" for name in change if name not in CHANGEABLE
    ]
    if strange:
        raise Misconfigured(strange)
    tree = _patched(explicit(config), change)
    changed = validate(tree, needed=needed)
    _require_secrets_again(config, changed, change)
    nothing = f"give it, as no secret stands here for {MASK}"
    masked = [f"{'.'.join(path)}: {nothing}" for path in _masks(tree)]
    if masked:
        raise Misconfigured(masked)
    return changed


def _masks(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths at which a mask has stayed."""
    if isinstance(tree, (Mapping, list)):
        items = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
        for key, item in items:
            yield from _masks(item, (*path, str(key)))
    elif tree == MASK:
        yield path


def _require_secrets_again(before: Config, after: Config, change: Mapping[str, Any]) -> None:
    problems = [
        problem
        for name in (*PLATFORMS, "llm")
        if isinstance(change.get(name), Mapping)
        for problem in kept_secrets(name, getattr(before, name), getattr(after, name), change[name])
    ]
    if problems:
        raise Misconfigured(problems)


def read_file(path: Path) -> dict[str, Any]:
    """The tree of a configuration file, or of the configuration inside Helm values.

    Raises Misconfigured for an unreadable file; the message never quotes the content.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        tree = _from_json(text) if path.suffix == ".json" else _from_yaml(text)
    except OSError as error:
        raise Misconfigured(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path}: is not UTF-8") from None
    except ValueError as error:
        raise Misconfigured(f"{path}: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise Misconfigured(f"{path}: must be a group of keys, not a list or a single value")
    return _out_of_helm(path, tree)


def _out_of_helm(path: Path, tree: dict[str, Any]) -> dict[str, Any]:
    if HELM_KEY not in tree:
        return tree
    ours = [key for key in tree if key in {f.alias for f in Config.model_fields.values()}]
    if ours:
        raise Misconfigured(
            f"{path}: {ours[0]} stands beside {HELM_KEY}: move it into {HELM_KEY}.config"
        )
    values = tree[HELM_KEY]
    config = values.get("config", {}) if isinstance(values, dict) else None
    if not isinstance(config, dict):
        raise Misconfigured(f"{path}: {HELM_KEY}.config must be a group of keys")
    return config


def _from_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once) if text.strip() else None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"not valid JSON: {error.msg}, {_where(error.lineno, error.colno)}"
        ) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in pairs:
        if key in tree:
            raise ValueError(f'duplicate key "{key}"')
        tree[key] = value
    return tree


class _StrictLoader(yaml.SafeLoader):
    """YAML without repeated keys."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """As the base class, but refuses repeated keys and keys that are not strings."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = key_node.value
            where = _where(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key, str):
                raise ValueError(f"key is not a string, {where}")
            if key in seen and key != "<<":
                raise ValueError(f'duplicate key "{key}", {where}')
            seen.add(key)
        return {str(k): v for k, v in super().construct_mapping(node, deep).items()}


def _from_yaml(text: str) -> Any:
    try:
        return yaml.load(text, _StrictLoader)
    except yaml.MarkedYAMLError as error:
        # The parser's message can quote a value, which may be a secret.
        mark = error.problem_mark
        where = _where(mark.line + 1, mark.column + 1) if mark else "somewhere"
        raise ValueError(f"not valid YAML, {where}") from None
    except yaml.YAMLError:
        raise ValueError("not valid YAML") from None


def _where(line: int, column: int) -> str:
    return f"line {line}, column {column}"


def _parse(given: Mapping[str, Any], problems: list[Problem]) -> Config | None:
    try:
        return Config.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        # A default that follows from other keys fails with them, and is not the user's to mend.
        problems += [
            explain(detail, given)
            for detail in error.errors(include_url=False)
            if detail["type"] != "default_factory_not_called"
        ]
        return None


def _about(path: tuple[str | int, ...], known: set[tuple[str | int, ...]]) -> bool:
    """True when a key at, above or below the path has a problem already."""
    return any(path[: len(other)] == other[: len(path)] for other in known if other)


def _without(given: Mapping[str, Any], paths: list[tuple[str | int, ...]]) -> dict[str, Any]:
    rest = deepcopy(dict(given))
    for path in paths:
        keys = [part for part in path if isinstance(part, str)]
        if len(keys) < len(path):
            # A list with a wrong element is left out as a whole.
            keys = keys[: next(i for i, part in enumerate(path) if isinstance(part, int))]
        tree: Any = rest
        for key in keys[:-1]:
            tree = tree.get(key) if isinstance(tree, dict) else None
        if keys and isinstance(tree, dict):
            tree.pop(keys[-1], None)
    return rest


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two trees merged: groups are joined, any other value of `above` replaces that of `below`."""
    joined = dict(below)
    for key, value in above.items():
        under = joined.get(key)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        joined[key] = merge(under, value) if both and under is not None else value
    return joined


def _patched(tree: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(tree)
    for key, value in patch.items():
        under = changed.get(key)
        if value is None:
            changed.pop(key, None)
        elif isinstance(value, Mapping):
            changed[key] = _patched(under if isinstance(under, Mapping) else {}, value)
        elif isinstance(value, list):
            changed[key] = [
                _unmasked(item, under[i] if isinstance(under, list) and i < len(under) else None)
                for i, item in enumerate(value)
            ]
        elif value != MASK:
            changed[key] = value
    return changed


def _unmasked(item: Any, under: Any) -> Any:
    """An element of a patched list with the secrets of the element it replaces."""
    if not isinstance(item, Mapping) or MASK not in item.values():
        return item
    before = under if isinstance(under, Mapping) else {}
    # Only for the same provider, so that no key goes to another provider's address.
    same = all(item.get(k) == before.get(k) for k in ("provider", "endpoint"))
    return {k: before.get(k) if v == MASK and same else v for k, v in item.items()}


def _with_data_dir(given: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings with a default data directory below `$XDG_STATE_HOME`, where set."""
    if given.get("dataDir") is not None or not environ.get("XDG_STATE_HOME"):
        return given
    return {**given, "dataDir": str(Path(environ["XDG_STATE_HOME"]) / "ticketing-agent")}
