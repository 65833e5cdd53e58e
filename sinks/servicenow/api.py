"""Calls of ServiceNow's Table API: authorizes requests and interprets failures.

https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import msgspec

from sinks.calls.decoding import Undecodable, decoded_as
from sinks.calls.http import Answer, Http
from sinks.calls.outcome import Failed, Reason, Refused, Unknown, nothing_done
from sinks.servicenow.settings import Settings
from sinks.servicenow.tokens import Tokens

PLAIN = {"sysparm_exclude_reference_link": "true"}
BROKEN_OFF = "the answer ends with an error: the request was broken off"
ASLEEP = "the answer is not JSON: an instance that sleeps answers with a page"

Row = dict[str, str]


class _One(msgspec.Struct):
    result: dict[str, Any]
    error: Any = None


class _Many(msgspec.Struct):
    result: list[dict[str, Any]]
    error: Any = None


class Api:
    """One instance. Every method raises Failed."""

    def __init__(self, http: Http, settings: Settings) -> None:
        self._http = http
        self._settings = settings
        self._tokens = Tokens(http, settings) if settings.oauth else None
        self._yields = False

    def yielding(self) -> Api:
        """The same instance for requests that leave half of the rate to those of records."""
        other = copy(self)
        other._yields = True
        return other

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def rows(self, table: str, query: str, columns: list[str], limit: int) -> list[Row]:
        """Rows of a table. No failure leaves a change in doubt.

        ServiceNow ignores the parts of a query that it does not understand, so that the caller must
        check the rows.
        """
        params = {
            **PLAIN,
            **({"sysparm_query": query} if query else {}),
            "sysparm_fields": ",".join(columns),
            "sysparm_limit": str(limit),
        }
        try:
            answer = await self._call("GET", f"/api/now/table/{table}", params)
            found = _read_as(_Many, answer)
        except Failed as failed:
            raise nothing_done(failed) from failed
        return [_row(one) for one in found.result]

    async def row(self, table: str, sys_id: str, columns: list[str]) -> Row:
        """One row; a 404 stands for a missing row or one that our account may not read."""
        params = {**PLAIN, "sysparm_fields": ",".join(columns)}
        try:
            answer = await self._call("GET", f"/api/now/table/{table}/{sys_id}", params)
            return _row(_read_as(_One, answer).result)
        except Failed as failed:
            raise nothing_done(failed) from failed

    async def insert(self, table: str, values: Row, columns: list[str]) -> Row:
        """Insert a row and read it, the written columns too, from the answer."""
        params = {**PLAIN, "sysparm_fields": _listed(columns, values)}
        answer = await self._call("POST", f"/api/now/table/{table}", params, values)
        return _row(_read_as(_One, answer).result)

    async def update(self, table: str, sys_id: str, values: Row, columns: list[str]) -> Row:
        """Change a row and read it, the written columns too, from the answer."""
        params = {**PLAIN, "sysparm_fields": _listed(columns, values)}
        answer = await self._call("PATCH", f"/api/now/table/{table}/{sys_id}", params, values)
        return _row(_read_as(_One, answer).result)

    async def _call(
        self, method: str, path: str, params: Mapping[str, str], body: Row | None = None
    ) -> Answer:
        token = await self._tokens.current() if self._tokens else ""
        try:
            return await self._send(method, path, params, body, token)
        except Failed as failed:
            if self._tokens is None or failed.status != 401:
                raise
            # A token can end before its time. The refused request was not carried out.
            self._tokens.forget(token)
        token = await self._tokens.current()
        return await self._send(method, path, params, body, token)

    async def _send(
        self, method: str, path: str, params: Mapping[str, str], body: Row | None, token: str
    ) -> Answer:
        given = f"Bearer {token}" if token else f"Basic {self._settings.basic}"
        try:
            return await self._http.call(
                method,
                self._settings.base_url + path,
                body=body,
                params=params,
                headers={"Authorization": given, "Accept": "application/json"},
                yields=self._yields,
            )
        except Failed as failed:
            failed.outcome = _meant(failed)
            raise


def _listed(columns: list[str], values: Row) -> str:
    return ",".join(dict.fromkeys([*columns, *values]))


def equals(column: str, value: str) -> str:
    """A condition of an encoded query, safe against a value that would end the condition."""
    return f"{column}={value.replace('^', '')}"


def _meant(failed: Failed) -> Any:
    outcome = failed.outcome
    if isinstance(outcome, Unknown) and outcome.reason is Reason.MALFORMED:
        return msgspec.structs.replace(outcome, detail=ASLEEP)
    if failed.status == 403 and isinstance(outcome, Refused) and _by_rule(failed.body):
        # A data policy or a business rule refused the values: granting rights does not help.
        return msgspec.structs.replace(outcome, reason=Reason.INVALID)
    return outcome


class _Fault(msgspec.Struct):
    message: str | None = None
    detail: str | None = None


class _Failure(msgspec.Struct):
    error: _Fault


def _by_rule(body: bytes) -> bool:
    try:
        detail = decoded_as(_Failure, body).error.detail or ""
    except Undecodable:
        return False
    return bool(detail) and "acl" not in detail.lower()


def _read_as(kind: type[Any], answer: Answer) -> Any:
    try:
        read = msgspec.convert(answer.data, kind)
    except msgspec.ValidationError as error:
        detail = f"the answer does not have the Table API's form: {error}"
        raise Failed(Unknown(Reason.MALFORMED, True, None, detail)) from error
    if read.error is not None:
        # The status is sent before the rows: a request that is broken off ends so in a 200.
        raise Failed(Unknown(Reason.SERVER_ERROR, True, None, BROKEN_OFF))
    return read


def _row(given: dict[str, Any]) -> Row:
    """The columns as strings; a reference becomes its sys_id."""
    return {
        name: str((value.get("value") if isinstance(value, dict) else value) or "")
        for name, value in given.items()
    }
