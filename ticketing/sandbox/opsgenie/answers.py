"""The form of OpsGenie's answers and errors: each carries the id of its request."""

from __future__ import annotations

import uuid
from typing import Any, NoReturn

from aiohttp import web

from ticketing.sandbox.opsgenie.doors import is_operations
from ticketing.sandbox.platform import Call, Refusal

NAMESPACE = uuid.UUID("6f70736f-0000-4000-8000-73616e64626f")
PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 20, 100
"""OpsGenie's own."""


class Answers:
    """Makes answers with ids, from one series for requests and alerts."""

    def __init__(self) -> None:
        self.last = 0

    def reset(self) -> None:
        """Start the series again."""
        self.last = 0

    def new_id(self) -> str:
        """The next id of the series."""
        self.last += 1
        return str(uuid.uuid5(NAMESPACE, str(self.last)))

    def failure(self, status: int, reason: str, errors: dict[str, str]) -> web.Response:
        """An error with a message and the problems of fields."""
        body: dict[str, Any] = {"message": reason, "took": 0.001, "requestId": self.new_id()}
        if errors:
            body["errors"] = errors
        return web.json_response(body, status=status)

    def refuse(self, status: int, reason: str) -> NoReturn:
        """Stop handling with an error."""
        raise Refusal(self.failure(status, reason, {}))

    def read(self, call: Call, data: Any) -> web.Response:
        """The answer to a reading call: wrapped by OpsGenie, bare from JSM operations."""
        if is_operations(call):
            return web.json_response(data)
        return web.json_response({"data": data, "took": 0.001, "requestId": self.new_id()})

    def page(
        self, call: Call, rows: list[dict[str, Any]], *, by_cursor: bool = False
    ) -> web.Response:
        """A page of a list; JSM operations call its length `size`, OpsGenie `limit`.

        With `by_cursor` JSM operations name the next page by `after` in place of an offset.
        """
        operations = is_operations(call)
        name = "size" if operations else "limit"
        place = "after" if operations and by_cursor else "offset"
        size, start = call.query.get(name, str(PAGE_SIZE_DEFAULT)), call.query.get(place, "0")
        if not size.isdecimal() or not 1 <= int(size) <= PAGE_SIZE_MAX or not start.isdecimal():
            self.refuse(422, f"{name} must be between 1 and {PAGE_SIZE_MAX}")
        end = int(start) + int(size)
        page = rows[int(start) : end]
        if not operations:
            return self.read(call, page)
        following = f"{call.base_url}{call.path}?{name}={size}&{place}={end}"
        links = {"next": following} if end < len(rows) else {}
        return self.read(call, {"values": page, "links": links})
