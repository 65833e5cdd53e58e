"""The OpsGenie sink: alerts, recognised by their alias while they are open.

A create of unknown outcome is repeated, since an open alert of the alias absorbs the repeat.
People's changes stand: an alert that they closed stays closed. If the severity rises or the
incident fires again, a new alert is opened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import msgspec

from sinks.calls.http import Http, HttpFactory
from sinks.calls.outcome import Delivered, Failed, Outcome, Reason, Refused, Unknown
from sinks.calls.references import reference
from sinks.opsgenie import payload
from sinks.opsgenie.api import Alert, AlertEndpoint, Api, Key, Processed
from sinks.opsgenie.connection import ConnectionCheck
from sinks.opsgenie.on_call import OnCall
from sinks.opsgenie.settings import Settings
from sinks.platform import (
    ALL_OPERATIONS,
    PAGING,
    STATUS_STEPS,
    Connection,
    Repeat,
    Request,
    Traits,
)
from sinks.text import comment
from sinks.text.services import Services
from sinks.text.writer import Writer, writer_for
from tables.deliveries import Held, Operation, Why
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident, StepKind
from ticketing.domain.summaries.by_rules import cause_of
from ticketing.domain.text import line

NAME = "opsgenie"
TIME_SHARE = 0.9
"""The part of a request's time in which its outcome is asked for; the rest is left to end the last
question before the request is cancelled."""
COUNT_INTERVAL_SECONDS = 900.0
"""The time between edits for a count alone: each takes two requests at least, which count
against the account's rate limit."""
GONE = ("not exist", "not found", "closed", "already", "no alert")
"""Words in the refusal of a write to an alert that is not open, for a key that can't read alerts."""
NOTE_CHARS_MAX = payload.NOTE_CHARS_MAX - 100
"""Leaves room for the remark before a note that may be a repeat."""
NO_OPERATIONS = {
    Operation.LOOK_UP,
    # OpsGenie never has two open alerts of one alias.
    Operation.DEDUPLICATE,
}
NOT_WITH_A_KEY_ALONE = {Operation.UPDATE, Operation.ESCALATE}


class OpsGenieSink:
    """Alerts of one account, of OpsGenie or of Jira Service Management."""

    name = NAME

    def __init__(self, settings: Settings, http: Http, writer: Writer, api: Api) -> None:
        self._settings = settings
        self._http = http
        self._writer = writer
        self._api = api
        self._on_call = OnCall(api, settings.schedule)
        self._escalation_id = ""
        missing = NO_OPERATIONS if settings.full else NO_OPERATIONS | NOT_WITH_A_KEY_ALONE
        self.traits = Traits(
            repeat=Repeat.BLINDLY,
            operations=(ALL_OPERATIONS | {Operation.PAGE}) - missing,
            pages=PAGING | {Operation.ESCALATE},
            loud=True,
            updates=frozenset({Why.SEVERITY, Why.TITLE, Why.LINKS, Why.SUMMARY, Why.COUNT}),
            steps=STATUS_STEPS - {StepKind.OPENED},
            count_interval=COUNT_INTERVAL_SECONDS,
        )
        self._performers: dict[Operation, Callable[[Request, float], Awaitable[Outcome]]] = {
            Operation.CREATE: self._open,
            Operation.REOPEN: self._open,
            Operation.UPDATE: self._update,
            Operation.PAGE: self._page,
            Operation.ACKNOWLEDGE: self._acknowledge,
            Operation.ESCALATE: self._escalate,
            Operation.RESOLVE: self._close_alert,
            Operation.COMMENT: self._comment,
        }

    def account(self, want: Incident) -> str:
        """The API key, as a reference."""
        return reference(self._settings.api_key)

    async def perform(self, request: Request) -> Outcome:
        """Write, then ask for the outcome; safe to repeat."""
        performer = self._performers.get(request.operation)
        if performer is None:
            return Delivered()
        return await performer(request, self._api.clock() + request.timeout * TIME_SHARE)

    async def test_connection(self) -> Connection:
        """Check the rights of the key and the configured names, without side effects.

        The check acknowledges an alert that can't exist, which only an integration's key may do.
        """
        return await ConnectionCheck(self._settings, self._api).result()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def _open(self, request: Request, until: float) -> Outcome:
        on_call = await self._on_call.people()
        want = request.want
        alias = self._alias(request)
        body = payload.alert(want, alias, self._writer, self._settings, on_call)
        endpoint = self._api.plain
        done = await self._done(endpoint, (endpoint.url, {}), body, until)
        left_out: tuple[str, ...] = ()
        if not done.success and body.pop("responders", None) is not None:
            # A page to the integration's own team is better than none.
            left_out = (f"responders: OpsGenie refused them ({line(done.status)})",)
            done = await self._done(endpoint, (endpoint.url, {}), body, until)
        if not done.success:
            return self._rejected(done, body)
        if not done.alert_id:
            raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer names no alert"))
        key = Key(alias, done.alert_id)
        before = request.have.external_id if request.have else ""
        if done.alert_id == before or (before and request.uncertain):
            # OpsGenie only counts a create for an open alert, which still shows its old fields.
            await self._refresh(key, want, on_call, until)
        if done.alert_id == before:
            await self._unacknowledge(key, until)
        return Delivered(
            external_id=key.id,
            key=key.alias,
            url=self._settings.page(key.id),
            account=request.account,
            on_call=on_call,
            left_out=left_out,
        )

    async def _page(self, request: Request, until: float) -> Outcome:
        """Take the acknowledgement back, so that the escalation begins again.

        An alert that is closed, or that the API key alone can't change, is opened anew.
        """
        want = request.want
        key, on_call = self._key(request), await self._on_call.people()
        if self._api.full is None:
            path, params = self._api.plain.of(key)
            where = (f"{path}/close", params)
            await self._done(self._api.plain, where, {"source": payload.SOURCE}, until)
            return await self._open(request, until)
        alert = await self._api.alert(key)
        if alert is None or alert.closed:
            return await self._open(request, until)
        await self._refresh(key, want, on_call, until)
        await self._unacknowledge(key, until)
        return Delivered(on_call=on_call)

    async def _refresh(self, key: Key, want: Incident, on_call: str, until: float) -> None:
        """Write every field again, if the API allows changes."""
        if self._api.full is not None:
            fields = self._fields(want, on_call)
            await self._write(key, fields, fields, until)

    async def _unacknowledge(self, key: Key, until: float) -> None:
        """Take back an acknowledgement of the earlier episode, if the API allows changes."""
        endpoint = self._api.full
        if endpoint is None:
            return
        alert = await self._api.alert(key)
        if alert is not None and alert.acknowledged:
            path, params = endpoint.of(key)
            # OpsGenie documents a body for this request, JSM none.
            body = {"source": payload.SOURCE} if endpoint.by_alias else None
            await self._done(endpoint, (f"{path}/unacknowledge", params), body, until)

    async def _update(self, request: Request, until: float) -> Outcome:
        want, have = request.want, _held(request)
        on_call = await self._on_call.people()
        worse = want.severity.rank > have.shown.severity.rank
        fields = {"description"}
        # The headline is made of severity, title and cause.
        renamed = want.title != have.shown.title or cause_of(want) != have.shown.cause
        if request.uncertain or worse or renamed:
            fields.add("message")
        if request.uncertain or worse:
            # A priority that people chose stays until the severity rises.
            fields.add("priority")
        key = self._key(request)
        done = await self._write(key, self._fields(want, on_call), fields, until)
        if done.success:
            return Delivered(on_call=on_call)
        alert = await self._api.alert(key)
        if alert is not None and not alert.closed:
            return self._rejected(done, {})
        if worse:
            return await self._open(request, until)
        return Delivered() if alert is not None else _deleted()

    def _fields(self, want: Incident, on_call: str) -> dict[str, str]:
        """The fields of an alert that can be changed."""
        return {
            "description": payload.description(want, self._writer, self._settings, on_call),
            "message": payload.message(want, self._writer),
            "priority": payload.priority(want, self._settings),
        }

    async def _write(
        self, key: Key, values: Mapping[str, str], names: Collection[str], until: float
    ) -> Processed:
        """Write the named fields; returns the first failure, or the last success."""
        endpoint = self._api.full
        assert endpoint is not None, "without the full API nothing is changed"
        path, params = endpoint.of(key)
        sent = [
            await self._api.write(
                endpoint, (f"{path}/{name}", params), {name: value}, endpoint.change
            )
            for name, value in values.items()
            if name in names
        ]
        done = [await self._api.processed(endpoint, request_id, until) for request_id in sent]
        return next((one for one in done if not one.success), done[0])

    async def _acknowledge(self, request: Request, until: float) -> Outcome:
        return await self._act(request, "acknowledge", until, lambda alert: alert.acknowledged)

    async def _close_alert(self, request: Request, until: float) -> Outcome:
        return await self._act(request, "close", until, lambda alert: alert.closed)

    async def _act(
        self, request: Request, action: str, until: float, reached: Callable[[Alert], bool]
    ) -> Outcome:
        key, endpoint = self._key(request), self._api.plain
        path, params = endpoint.of(key)
        body = {"source": payload.SOURCE}
        done = await self._done(endpoint, (f"{path}/{action}", params), body, until)
        if done.success:
            return Delivered()
        return await self._explained(key, done, body, reached)

    async def _escalate(self, request: Request, until: float) -> Outcome:
        """Escalate to the configured escalation, else raise the priority; then add the teams."""
        want, endpoint = request.want, self._api.full
        assert endpoint is not None, "without the full API nothing is escalated"
        key = self._key(request)
        path, params = endpoint.of(key)
        body: dict[str, Any] = await self._escalation()
        if body:
            done = await self._done(endpoint, (f"{path}/escalate", params), body, until)
        else:
            body = {"priority": payload.priority(want, self._settings)}
            done = await self._write(key, body, body, until)
        if not done.success:
            return await self._explained(key, done, body, lambda alert: False)
        left_out: list[str] = []
        for team in self._called(want):
            added = await self._responder(team)
            if not added:
                left_out.append(f'responders: there is no team "{team}"')
                continue
            done = await self._done(endpoint, (f"{path}/responders", params), added, until)
            if not done.success:
                left_out.append(f'responders: OpsGenie refused "{team}" ({line(done.status)})')
        return Delivered(left_out=tuple(left_out))

    async def _responder(self, team: str) -> dict[str, Any]:
        """The body that adds a team to an alert; empty if JSM, which takes only ids, has none."""
        if not self._settings.jsm:
            return {"responder": {"type": "team", "name": team}}
        team_id = await self._api.lookup("team", team)
        return {"responders": [{"type": "team", "id": team_id}]} if team_id else {}

    async def _escalation(self) -> dict[str, Any]:
        name = self._settings.escalation
        if not name:
            return {}
        if not self._settings.jsm:
            return {"escalation": {"type": "escalation", "name": name}, "source": payload.SOURCE}
        if not self._escalation_id:
            self._escalation_id = await self._api.lookup("escalation", name)
        if not self._escalation_id:
            detail = f'there is no escalation "{name}" (opsgenie.escalation)'
            raise Failed(Refused(Reason.INVALID, detail))
        return {"escalationId": self._escalation_id}

    def _called(self, want: Incident) -> list[str]:
        """The configured teams to which the incident was escalated."""
        known = set(self._settings.known_teams()) - {self._settings.team_for(want)}
        return [name for name in want.escalated_to if name in known]

    async def _comment(self, request: Request, until: float) -> Outcome:
        key, endpoint = self._key(request), self._api.plain
        already = await self._api.notes(key) if request.uncertain and self._api.full else []
        note = comment.comment(request.steps, already, NOTE_CHARS_MAX)
        if not note:
            return Delivered()
        if request.uncertain and not self._api.full:
            note = f"(possibly told before)\n{note}"
        path, params = endpoint.of(key, by_id=True)
        body = {"note": note, "source": payload.SOURCE}
        done = await self._done(endpoint, (f"{path}/notes", params), body, until)
        if done.success:
            return Delivered()
        return await self._explained(key, done, body, lambda alert: False)

    def _alias(self, request: Request) -> str:
        """The alias; that of a held alert stays the one that opened it."""
        known = request.have.key if request.have else ""
        return known or payload.alias(self._writer.key(request.incident_id))

    def _key(self, request: Request) -> Key:
        return Key(self._alias(request), _held(request).external_id)

    async def _done(
        self,
        endpoint: AlertEndpoint,
        where: tuple[str, dict[str, str]],
        body: Mapping[str, Any] | None,
        until: float,
    ) -> Processed:
        return await self._api.processed(
            endpoint, await self._api.write(endpoint, where, body), until
        )

    async def _explained(
        self,
        key: Key,
        done: Processed,
        body: Mapping[str, Any],
        reached: Callable[[Alert], bool],
    ) -> Outcome:
        """The outcome of a write that was not carried out: delivered if people made it needless."""
        if self._api.full is None:
            gone = any(word in done.status.lower() for word in GONE)
            return Delivered() if gone else self._rejected(done, body)
        alert = await self._api.alert(key)
        if alert is None:
            return _deleted()
        if alert.closed or reached(alert):
            return Delivered()
        return self._rejected(done, body)

    def _rejected(self, done: Processed, body: Mapping[str, Any]) -> Refused:
        detail = self._http.excerpt(f"not carried out: {done.status}".encode())
        return Refused(Reason.INVALID, detail, self._http.quote(msgspec.json.encode(body)))


def _held(request: Request) -> Held:
    assert request.have is not None, "only what is held is changed"
    return request.have


def _deleted() -> Refused:
    return Refused(Reason.NOT_FOUND, "somebody deleted the alert")


def create(config: Config, open_http: HttpFactory) -> OpsGenieSink:
    """The sink as configured."""
    settings = Settings.of(config.opsgenie, Services.of(config))
    http = open_http(settings.secrets())
    api = Api(settings, http, reference(settings.api_key))
    return OpsGenieSink(settings, http, writer_for(config, NAME), api)
