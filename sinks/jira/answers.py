"""Jira's answers: the fields that are read; others are ignored.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from sinks.calls.decoding import Undecodable, decoded_as
from sinks.calls.outcome import Failed, Reason, Unknown

T = TypeVar("T")


class ServerInfo(msgspec.Struct, rename="camel"):
    """The server's kind: `deployment_type` is Cloud, Server or Data Center."""

    deployment_type: str
    base_url: str = ""


class Created(msgspec.Struct):
    """A new issue."""

    id: str
    key: str


class Category(msgspec.Struct):
    """The category of a status: `key` is new, indeterminate or done."""

    key: str = ""
    name: str = ""


class Status(msgspec.Struct, rename="camel"):
    """A status of a workflow."""

    name: str = ""
    status_category: Category = msgspec.field(default_factory=Category)

    @property
    def done(self) -> bool:
        """True for a status of the category done."""
        return self.status_category.key == "done"


class Schema(msgspec.Struct):
    """The type of a field; `custom` names the kind of a custom field."""

    type: str = ""
    items: str = ""
    custom: str = ""
    system: str = ""


class Field(msgspec.Struct, rename="camel"):
    """A field of a screen."""

    name: str = ""
    field_id: str = ""
    key: str = ""
    required: bool = False
    has_default_value: bool = False
    schema: Schema = msgspec.field(default_factory=Schema)
    allowed_values: list[dict[str, Any]] = []


class Transition(msgspec.Struct):
    """A transition from a status, with the fields of its screen."""

    id: str
    name: str = ""
    to: Status = msgspec.field(default_factory=Status)
    fields: dict[str, Field] = {}


class Transitions(msgspec.Struct):
    """The transitions from an issue's status that our account may take."""

    transitions: list[Transition]


class Resolution(msgspec.Struct):
    """The resolution of an issue that is done."""

    name: str = ""


class IssueFields(msgspec.Struct):
    """The fields of an issue that are asked for."""

    status: Status = msgspec.field(default_factory=Status)
    labels: list[str] = []
    resolution: Resolution | None = None
    description: Any = None


class Issue(msgspec.Struct):
    """An issue. `properties` are present only if asked for, and not in every search."""

    id: str
    key: str = ""
    fields: IssueFields = msgspec.field(default_factory=IssueFields)
    properties: dict[str, Any] | None = None


class Found(msgspec.Struct):
    """The issues of a search."""

    issues: list[Issue]


class IssueType(msgspec.Struct):
    """A type of issue."""

    id: str
    name: str = ""


class Page(msgspec.Struct, rename="camel"):
    """A page of create metadata: Cloud names its list after the content, Data Center `values`."""

    total: int = 0
    issue_types: list[IssueType] | None = None
    fields: list[Field] | None = None
    values: list[dict[str, Any]] | None = None


class Comment(msgspec.Struct):
    """A comment."""

    body: Any = None


class Comments(msgspec.Struct):
    """An issue's comments."""

    comments: list[Comment]


class Permission(msgspec.Struct, rename="camel"):
    """A permission, and if our account has it."""

    have_permission: bool = False


class Permissions(msgspec.Struct):
    """Our permissions by name."""

    permissions: dict[str, Permission]


class Refusal(msgspec.Struct, rename="camel"):
    """The reasons of a refused request: general ones, and by field."""

    error_messages: list[str] = []
    errors: dict[str, str] = {}


def read_as(kind: type[T], data: Any) -> T:
    """The answer as `kind`; raises Failed with Unknown, as the request may have been carried out."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        detail = f"the answer does not have Jira's form: {error}"
        raise Failed(Unknown(Reason.MALFORMED, True, None, detail)) from error


def refused_fields(body: bytes) -> dict[str, str]:
    """The refused fields of an answer, with the reasons; empty if the answer names none."""
    try:
        return decoded_as(Refusal, body).errors
    except Undecodable:
        return {}
