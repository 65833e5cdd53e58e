"""Walks the model: the keys, and the type at a path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from ticketing.config.values import Section
from ticketing.domain.severity import Severity


@dataclass(frozen=True)
class Setting:
    """A key of the model: its camelCase path, its field, and the type of its value."""

    path: tuple[str, ...]
    field: FieldInfo
    annotation: Any

    @property
    def dotted(self) -> str:
        """The path in dotted form: `anomaly.minimumScore`."""
        return ".".join(self.path)

    @property
    def secret(self) -> bool:
        """True when the value, or a value inside it, must never be shown."""
        return holds_secret(self.annotation)


def settings(model: type[Section], prefix: tuple[str, ...] = ()) -> Iterator[Setting]:
    """Every key of a section and of its subsections, the subsections included."""
    for name, field in model.model_fields.items():
        annotation = bare(field.annotation)
        path = (*prefix, field.alias or name)
        yield Setting(path, field, annotation)
        if is_section(annotation):
            yield from settings(annotation, path)


def bare(annotation: Any) -> Any:
    """The type without Annotated and without None."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, UnionType):
            others = [arg for arg in get_args(annotation) if arg is not type(None)]
            if len(others) != 1:
                return annotation
            annotation = others[0]
        else:
            return annotation


def is_section(annotation: Any) -> TypeGuard[type[Section]]:
    """True for a type that is a group of settings."""
    return isinstance(annotation, type) and issubclass(annotation, Section)


def inside(annotation: Any, key: str | int) -> Any:
    """The type one step further down: a section's key, a mapping's value, a list's element.

    None without a key of that name.
    """
    annotation = bare(annotation)
    if is_section(annotation):
        for name, field in annotation.model_fields.items():
            if key == (field.alias or name):
                return bare(field.annotation)
        return None
    if get_origin(annotation) in (dict, tuple, list):
        args = get_args(annotation)
        return bare(args[1] if get_origin(annotation) is dict else args[0])
    return None


def at(annotation: Any, path: tuple[str | int, ...]) -> Any:
    """The type at a path, None when the path leaves the model."""
    for key in path:
        annotation = inside(annotation, key)
    return annotation


def holds_secret(annotation: Any) -> bool:
    """True for a type that is a secret or contains one."""
    annotation = bare(annotation)
    if annotation is SecretStr:
        return True
    if is_section(annotation):
        return any(setting.secret for setting in settings(annotation))
    return any(holds_secret(arg) for arg in get_args(annotation) if arg is not Ellipsis)


def keyed_by_severity(annotation: Any) -> bool:
    """True for a type that is a mapping from severities."""
    annotation = bare(annotation)
    return get_origin(annotation) is dict and bare(get_args(annotation)[0]) is Severity


def upper_snake(key: str) -> str:
    """`minimumScore` as `MINIMUM_SCORE`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).upper()


def env_name(path: tuple[str, ...]) -> str:
    """The environment variable of a path: `TICKETING_ANOMALY__MINIMUM_SCORE`."""
    return "TICKETING_" + "__".join(upper_snake(part) for part in path)
