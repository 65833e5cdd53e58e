"""The ServiceNow sink: one record per incident, found again by its correlation_id.

A person's changes stand: a resolved record is reopened only when the incident fires again after its
own resolution, and a deleted record is not made again. A closed record can't be reopened, so that
an incident that fires again gets another record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import msgspec
import structlog

from sinks.calls.comparison import not_taken
from sinks.calls.http import HttpFactory
from sinks.calls.outcome import Absent, Delivered, Failed, Outcome, Reason, Refused, Unknown
from sinks.platform import STATUS_STEPS, Connection, Repeat, Request, Traits
from sinks.servicenow import payload
from sinks.servicenow.affected import AffectedItems
from sinks.servicenow.api import Api, Row, equals
from sinks.servicenow.connection import ConnectionCheck
from sinks.servicenow.directory import Directory
from sinks.servicenow.payload import (
    FINISHED,
    IN_PROGRESS,
    JOURNALS,
    NEW,
    RESOLVED,
    UNCHANGEABLE,
    Author,
)
from sinks.servicenow.settings import Settings
from sinks.text import parts
from sinks.text.comment import has_line
from sinks.text.keys import is_key_of
from sinks.text.services import Services
from sinks.text.writer import Writer, writer_for
from tables.deliveries import Held, Operation, Why
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident, StepKind
from ticketing.domain.text import line

log = structlog.get_logger(__name__)

NAME = "servicenow"
COUNT_SECONDS = 900.0
"""The time between edits for a count alone: each edit is a line in the record's activity."""
COLUMNS = ["sys_id", "number", "state", "correlation_id"]
FOUND_MAX = 10
"""An incident has one record, rarely a successor or a duplicate."""
NOTES_MAX = 50
"""The newest notes, searched for one of unknown outcome: people write fewer until the repeat."""
GONE = "the record was deleted, or our account may not see it any more; it is not created again"
STATE_KEPT = "an ACL, a business rule or the state model keeps the record's state"
NOT_OURS = "the record has another correlation_id by now, so it is not changed"


class ServiceNowSink:
    """Incidents of one instance."""

    name = NAME

    def __init__(self, settings: Settings, api: Api, writer: Writer) -> None:
        self._settings = settings
        self._api = api
        self._author = Author(settings, writer)
        self._key = writer.key
        self._directory = Directory(api, settings)
        self._affected = AffectedItems(api, settings)
        self._operations: dict[Operation, Callable[[Request, Held], Awaitable[Delivered]]] = {
            Operation.UPDATE: self._update,
            Operation.ACKNOWLEDGE: self._acknowledge,
            Operation.ESCALATE: self._escalate,
            Operation.RESOLVE: self._resolve,
            Operation.REOPEN: self._reopen,
            Operation.COMMENT: self._comment,
            Operation.DEDUPLICATE: self._deduplicate,
        }
        self.traits = Traits(
            repeat=Repeat.AFTER_LOOK_UP,
            updates=frozenset({Why.SEVERITY, Why.TITLE, Why.SUMMARY, Why.LINKS, Why.COUNT}),
            steps=STATUS_STEPS - {StepKind.OPENED},
            count_interval=COUNT_SECONDS,
            quiet_is_told=True,
        )

    def account(self, want: Incident) -> str:
        """An empty string, as an instance has one account."""
        return ""

    async def perform(self, request: Request) -> Outcome:
        """Perform the operation on the record; every operation can be repeated."""
        if request.operation is Operation.CREATE:
            return await self._create(request)
        if request.operation is Operation.LOOK_UP:
            return await self._look_up(request)
        assert request.have is not None, "what is changed is held"
        try:
            return await self._operations[request.operation](request, request.have)
        except Failed as failed:
            if failed.outcome.reason is not Reason.NOT_FOUND:
                raise
            # The same words each time make one dead letter, however often the change is tried.
            return Refused(Reason.NOT_FOUND, GONE, failed.outcome.request)

    async def test_connection(self) -> Connection:
        """Check everything that records will need, without side effects."""
        return await ConnectionCheck(self._api, self._directory, self._settings).check()

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _create(self, request: Request) -> Delivered:
        remarks = [payload.POSSIBLE_REPEAT] if request.uncertain else []
        made = await self._insert(request.want, remarks)
        left_out = await self._affected.add(made.external_id, request.want)
        return msgspec.structs.replace(made, left_out=(*made.left_out, *left_out))

    async def _insert(self, want: Incident, remarks: list[str]) -> Delivered:
        references = await self._references(want, remarks)
        record = self._author.record(want, references, remarks)
        try:
            return await self._inserted(record, want)
        except Failed as failed:
            plain = self._author.plain(record)
            by_rule = failed.status in (400, 403) and failed.outcome.reason is Reason.INVALID
            if plain == record or not by_rule:
                raise
            # A rule may have refused something that happened after the insert.
            for row in await self._records(want.id):
                return self._delivered(row)
            refused = line(failed.outcome.detail)
        left_out = (
            f"{', '.join(sorted(record.keys() - plain))}: ServiceNow refused them ({refused})"
        )
        return await self._inserted(plain, want, [left_out])

    async def _inserted(
        self, record: Row, want: Incident, left_out: list[str] | None = None
    ) -> Delivered:
        made = await self._api.insert(self._settings.table, record, COLUMNS)
        if not made.get("sys_id"):
            raise _malformed()
        if made.get("correlation_id") not in (None, record["correlation_id"]):
            log.warning("servicenow_correlation_id_not_kept", number=made.get("number", ""))
        return self._delivered(made, [*(left_out or []), *_not_kept(record, made)])

    async def _references(self, want: Incident, remarks: list[str]) -> Row:
        """The CI, the group and the caller. A missing one is remarked, never guessed."""
        service = await self._directory.service(want.service)
        chosen = self._settings.chosen_group(want)
        name = chosen or ("" if service.group else self._settings.group)
        group = await self._directory.group(name)
        caller = await self._directory.caller(self._settings.caller)
        for what, found in (("cmdb_ci", service), ("assignment_group", group), ("caller", caller)):
            if found.why_not:
                remarks.append(f"{what} is not set: {found.why_not}")
        references = {
            "cmdb_ci": service.sys_id,
            "assignment_group": group.sys_id if name else service.group,
            "caller_id": caller.sys_id,
        }
        return {column: value for column, value in references.items() if value}

    async def _look_up(self, request: Request) -> Outcome:
        found = await self._records(request.incident_id)
        if not found:
            return Absent()
        usable = [one for one in found if one["state"] not in UNCHANGEABLE]
        return self._delivered((usable or found)[0])

    async def _records(self, incident_id: str) -> list[Row]:
        """The incident's records, oldest first; raises Failed."""
        key = payload.correlation_id(self._key(incident_id))
        query = f"{equals('correlation_id', key)}^ORDERBYsys_created_on"
        rows = await self._api.rows(self._settings.table, query, COLUMNS, FOUND_MAX)
        ours = [row for row in rows if row.get("correlation_id") == key and row.get("sys_id")]
        if rows and not ours:
            # ServiceNow ignored the condition and returned any rows, so the answer tells nothing.
            detail = f"servicenow.table: {self._settings.table} is not searched by correlation_id"
            raise Failed(Refused(Reason.INVALID, detail))
        return [{"state": "", "number": "", **row} for row in ours]

    async def _record(self, request: Request, have: Held) -> Row:
        """The record, if it still has our key; raises Failed."""
        row = await self._api.row(self._settings.table, have.external_id, COLUMNS)
        return _checked(row, request.incident_id)

    async def _change(self, request: Request, have: Held, values: Row) -> Delivered:
        """Change a record and compare the answer; raises Failed if the state is not as written."""
        row = await self._api.update(self._settings.table, have.external_id, values, COLUMNS)
        _checked(row, request.incident_id)
        wanted = values.get("state", row["state"])
        reached = row["state"] in FINISHED if wanted in FINISHED else row["state"] not in FINISHED
        if not reached or (wanted == IN_PROGRESS and row["state"] == NEW):
            raise Failed(Refused(Reason.INVALID, f"{STATE_KEPT}: {row['state']}, not {wanted}"))
        written = {name: value for name, value in values.items() if name != "state"}
        return Delivered(left_out=tuple(_not_kept(written, row)))

    async def _change_unless_closed(self, request: Request, have: Held, values: Row) -> Delivered:
        """Change a record; a refusal because the record is closed is a success."""
        try:
            return await self._change(request, have, values)
        except Failed as failed:
            if failed.status != 403:
                raise
            if (await self._record(request, have))["state"] not in UNCHANGEABLE:
                raise
        return Delivered()

    async def _update(self, request: Request, have: Held) -> Delivered:
        want, shown = request.want, have.shown
        rose = want.severity.rank > shown.severity.rank or not shown.revision
        levels = self._settings.levels(want) if rose else {}
        values = {**self._author.texts(want), **levels}
        done = await self._change_unless_closed(request, have, values)
        left_out = await self._affected.add(have.external_id, want)
        return msgspec.structs.replace(done, left_out=(*done.left_out, *left_out))

    async def _acknowledge(self, request: Request, have: Held) -> Delivered:
        if (await self._record(request, have))["state"] == NEW:
            return await self._change(request, have, {"state": IN_PROGRESS})
        return Delivered()

    async def _escalate(self, request: Request, have: Held) -> Delivered:
        """Raise impact and urgency to the highest and assign the escalation group.

        The work note about the escalation is an operation of its own.
        """
        if (await self._record(request, have))["state"] in FINISHED:
            return Delivered()
        values = self._settings.levels(request.want)
        group = await self._directory.group(self._settings.escalation_group)
        if group.sys_id:
            values["assignment_group"] = group.sys_id
        elif group.why_not:
            values["work_notes"] = payload.work_notes(
                [f"assignment_group is not changed: {group.why_not}"]
            )
        return await self._change(request, have, values)

    async def _resolve(self, request: Request, have: Held) -> Delivered:
        if (await self._record(request, have))["state"] not in FINISHED:
            return await self._change(request, have, self._author.resolution(request.want))
        return Delivered()

    async def _reopen(self, request: Request, have: Held) -> Delivered:
        """Move a resolved record back to New, as nobody works on it yet; a closed one is succeeded."""
        state = (await self._record(request, have))["state"]
        if state == RESOLVED:
            reopened = {"state": NEW, "close_code": "", "close_notes": ""}
            return await self._change(request, have, reopened)
        if state in UNCHANGEABLE:
            return await self._succeed(request, have)
        return Delivered()

    async def _succeed(self, request: Request, have: Held) -> Delivered:
        """The open record in place of a closed one, which is made unless there is one."""
        for row in await self._records(request.incident_id):
            if row["state"] not in FINISHED:
                return self._delivered(row)
        remark = f"{have.key} was closed and can't be reopened: the incident fires again"
        return await self._insert(request.want, [remark])

    async def _comment(self, request: Request, have: Held) -> Delivered:
        lines = parts.steps(request.steps)
        if request.uncertain:
            there = await self._notes(have.external_id)
            lines = [one for one in lines if not has_line(there, payload.harmless(one))]
        if not lines:
            return Delivered()
        notes = {"work_notes": payload.work_notes(lines)}
        return await self._change_unless_closed(request, have, notes)

    async def _notes(self, sys_id: str) -> str:
        """The latest work notes; empty if our account may not read them."""
        query = f"{equals('element_id', sys_id)}^element=work_notes^ORDERBYDESCsys_created_on"
        columns = ["element_id", "value"]
        try:
            rows = await self._api.rows("sys_journal_field", query, columns, NOTES_MAX)
        except Failed as failed:
            if isinstance(failed.outcome, Refused) and failed.status in (400, 403, 404):
                return ""
            raise
        return "\n".join(row.get("value", "") for row in rows if row.get("element_id") == sys_id)

    async def _deduplicate(self, request: Request, have: Held) -> Delivered:
        """Resolve the incident's other records, each with a note that names the kept one."""
        for row in await self._records(request.incident_id):
            if row["sys_id"] != have.external_id and row["state"] not in FINISHED:
                closing = self._author.duplicate(have.key, request.want)
                await self._api.update(self._settings.table, row["sys_id"], closing, COLUMNS)
        return Delivered()

    def _delivered(self, row: Row, left_out: Iterable[str] = ()) -> Delivered:
        sys_id = row["sys_id"]
        return Delivered(
            external_id=sys_id,
            key=row.get("number", ""),
            url=self._settings.link(sys_id),
            left_out=tuple(left_out),
        )


def _not_kept(written: Row, row: Row) -> list[str]:
    """A sentence for each written column with another value; journals are always read empty."""
    columns = {name: value for name, value in written.items() if name not in JOURNALS}
    return not_taken("ServiceNow", columns, row)


def _is_ours(row: Row, incident_id: str) -> bool:
    """True unless the record has another incident's key.

    Answers lack columns that we may not read, and a column that we may not write is empty. A record
    that is held stays ours when the installation gets a name.
    """
    key = row.get("correlation_id")
    return not key or is_key_of(key, payload.correlation_id(incident_id))


def _checked(row: Row, incident_id: str) -> Row:
    if "state" not in row:
        raise _malformed()
    if not _is_ours(row, incident_id):
        raise Failed(Refused(Reason.INVALID, NOT_OURS))
    return row


def _malformed() -> Failed:
    return Failed(Unknown(Reason.MALFORMED, True, None, "the answer lacks columns of the record"))


def create(config: Config, open_http: HttpFactory) -> ServiceNowSink:
    """The sink as configured.

    Raises Misconfigured for a template that can't be used.
    """
    settings = Settings.of(config.servicenow, Services.of(config))
    http = open_http(settings.secrets())
    return ServiceNowSink(settings, Api(http, settings), writer_for(config, NAME))
