"""The part of JQL that finding our issues needs; other queries are refused.

https://support.atlassian.com/jira-software-cloud/docs/use-advanced-search-with-jira-query-language-jql/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Issue = dict[str, Any]
Predicate = Callable[[Issue], bool]

_TOKEN = re.compile(
    r"""\s*(?: "((?:[^"\\]|\\.)*)" | '((?:[^'\\]|\\.)*)' | (!=|>=|<=|!~|[=~<>(),])
        | ([\w.\[\]/+:@-]+) )""",
    re.VERBOSE,
)
_RELATIVE = re.compile(r"-?\d+[mhdw]?|\d{4}[-/]\d\d[-/]\d\d.*|\w+\(\)")
_SINGLE = {
    "project": "project",
    "key": "key",
    "issuekey": "key",
    "issue": "key",
    "id": "id",
    "status": "status",
    "statuscategory": "statusCategory",
    "issuetype": "issuetype",
    "type": "issuetype",
    "priority": "priority",
    "resolution": "resolution",
    "assignee": "assignee",
    "summary": "summary",
    "text": "text",
    "description": "text",
    "created": "created",
    "updated": "updated",
    "labels": "labels",
}
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "order", "by", "empty", "null"})


class BadJql(ValueError):
    """A query that Jira does not run; the message is Jira's."""


class Parser:
    """Turns a query into a predicate over an issue's flat view."""

    def __init__(self, text: str, projects: set[str]) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._projects = projects

    def parse(self) -> Predicate | None:
        """The restriction, or None if the query has none; raises BadJql."""
        if self._peek() in ("", "order"):
            return None
        predicate = self._either()
        if self._peek() not in ("", "order"):
            raise BadJql(f"Error in the JQL Query: Expecting 'AND' or 'OR' but got '{self._raw()}'")
        return predicate

    def oldest_first(self) -> bool:
        """True for `ORDER BY created ASC`, which ends the query; raises BadJql for another order."""
        order = [text.lower() for _, text in self._tokens[self._at :]]
        if order not in ([], ["order", "by", "created", "asc"], ["order", "by", "created", "desc"]):
            raise BadJql("Error in the JQL Query: the sandbox orders by created, ASC or DESC.")
        return order[-1:] == ["asc"]

    def _raw(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _peek(self) -> str:
        """The next word in lower case; quoted text is never a keyword."""
        if self._at >= len(self._tokens):
            return ""
        quoted, text = self._tokens[self._at]
        return f'"{text}' if quoted else text.lower()

    def _take(self) -> str:
        word = self._raw()
        if self._at >= len(self._tokens):
            raise BadJql("Error in the JQL Query: the query ends too soon.")
        self._at += 1
        return word

    def _either(self) -> Predicate:
        left = self._both()
        while self._peek() == "or":
            self._take()
            left = _or(left, self._both())
        return left

    def _both(self) -> Predicate:
        left = self._term()
        while self._peek() == "and":
            self._take()
            left = _and(left, self._term())
        return left

    def _term(self) -> Predicate:
        if self._peek() == "not":
            self._take()
            inner = self._term()
            return lambda issue: not inner(issue)
        if self._peek() == "(":
            self._take()
            inner = self._either()
            self._expect(")")
            return inner
        return self._clause()

    def _expect(self, word: str) -> None:
        if self._take().lower() != word:
            raise BadJql(f"Error in the JQL Query: Expecting '{word}'.")

    def _clause(self) -> Predicate:
        field = self._field()
        negated, operator = self._operator()
        if operator == "is":
            self._expect_empty()
            found: Predicate = lambda issue: not issue.get(field)  # noqa: E731
        else:
            values = self._values(operator)
            self._check(field, values)
            found = _matches(field, operator, values)
        return (lambda issue: not found(issue)) if negated else found

    def _field(self) -> str:
        word = self._take()
        if word.lower().startswith("issue.property["):
            return "property:" + word[len("issue.property[") :].replace("]", "", 1)
        name = _SINGLE.get(word.lower())
        if name is None:
            raise BadJql(f"Field '{word}' does not exist or you do not have permission to view it.")
        return name

    def _operator(self) -> tuple[bool, str]:
        word = self._take().lower()
        if word == "not":
            self._expect("in")
            return True, "in"
        if word == "is":
            negated = self._peek() == "not"
            if negated:
                self._take()
            return negated, "is"
        if word in ("!=", "!~"):
            return True, {"!=": "=", "!~": "~"}[word]
        if word not in ("=", "in", "~", ">", "<", ">=", "<="):
            raise BadJql(f"Error in the JQL Query: Expecting operator but got '{word}'.")
        return False, word

    def _expect_empty(self) -> None:
        if self._take().lower() not in ("empty", "null"):
            raise BadJql("Error in the JQL Query: Expecting EMPTY.")

    def _values(self, operator: str) -> list[str]:
        if operator != "in":
            return [self._value()]
        self._expect("(")
        values = [self._value()]
        while self._peek() == ",":
            self._take()
            values.append(self._value())
        self._expect(")")
        return values

    def _value(self) -> str:
        if self._peek() in _KEYWORDS or self._peek() in ("(", ")", ",", "="):
            raise BadJql(f"Error in the JQL Query: '{self._raw()}' is a reserved word.")
        value = self._take()
        if self._peek() == "(" and value.isalpha():
            self._take()
            self._expect(")")
            return f"{value}()"
        return value

    def _check(self, field: str, values: list[str]) -> None:
        if field == "project":
            for value in values:
                if value not in self._projects:
                    raise BadJql(f"The value '{value}' does not exist for the field 'project'.")
        if field in ("created", "updated") and not _RELATIVE.fullmatch(values[0]):
            raise BadJql(f"Date value '{values[0]}' for field '{field}' is invalid.")


def _tokens(text: str) -> list[tuple[bool, str]]:
    tokens: list[tuple[bool, str]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadJql(f"Error in the JQL Query: The character '{text[at]}' is a reserved one.")
        double, single, symbol, word = match.groups()
        quoted = double if double is not None else single
        if quoted is not None:
            tokens.append((True, re.sub(r"\\(.)", r"\1", quoted)))
        else:
            tokens.append((False, symbol or word))
        at = match.end()
    return tokens


def _and(left: Predicate, right: Predicate) -> Predicate:
    return lambda issue: left(issue) and right(issue)


def _or(left: Predicate, right: Predicate) -> Predicate:
    return lambda issue: left(issue) or right(issue)


def _matches(field: str, operator: str, values: list[str]) -> Predicate:
    wanted = {value.lower() for value in values}
    if field in ("created", "updated"):
        return lambda issue: True
    if operator == "~":
        return lambda issue: values[0].strip('*"').lower() in str(issue.get(field, "")).lower()
    if field.startswith("property:"):
        return lambda issue: str(_property(issue, field[9:])).lower() in wanted
    if field == "labels":
        return lambda issue: bool(wanted & {label.lower() for label in issue["labels"]})
    return lambda issue: str(issue.get(field) or "").lower() in wanted


def _property(issue: Issue, path: str) -> Any:
    """The value at a path such as `ticketing.incident.id`, in the property with the longest key."""
    for key, value in issue["properties"].items():
        if path.startswith(f"{key}."):
            for part in path[len(key) + 1 :].split("."):
                value = value.get(part) if isinstance(value, dict) else None
            return value
    return None
