"""The two dialects of Jira's API: Cloud's version 3 and Data Center's version 2."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from sinks.jira import adf, wiki
from sinks.text.parts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One dialect: version, path of the search, and markup. `user_key` names a user in a field."""

    name: str
    version: str
    search: str
    user_key: str
    markup: ModuleType

    def ticket(self, text: Text, remarks: list[str], key: str = "") -> Any:
        """A description with an incident's parts; a `key` stands in a line of its own."""
        return self.markup.ticket(text, remarks, key)

    def paragraphs(self, text: str, remarks: list[str] | None = None, key: str = "") -> Any:
        """Plain text as the value of a long text field."""
        return self.markup.paragraphs(text, remarks or [], key)

    def lines(self, told: list[str]) -> Any:
        """The lines as a comment."""
        return self.markup.lines(told)

    def says(self, body: Any, told: str) -> bool:
        """True if a comment's body has the line `told`."""
        return bool(self.markup.says(body, told))

    def user(self, name: str) -> dict[str, str]:
        """A user as the value of a field."""
        return {self.user_key: name}


CLOUD = Dialect(name="Cloud", version="3", search="/search/jql", user_key="accountId", markup=adf)
DATA_CENTER = Dialect(
    name="Data Center", version="2", search="/search", user_key="name", markup=wiki
)
