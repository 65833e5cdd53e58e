"""The PagerDuty sink: alerts by events, recognised by their deduplication key; the rest by REST.

https://developer.pagerduty.com/docs/events-api-v2-overview
An event of unknown outcome is repeated, since PagerDuty deduplicates an open alert. It does so only
under the routing key that opened the alert, which is therefore kept with the ticket.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from sinks.calls.http import Http, HttpFactory
from sinks.calls.outcome import Delivered, Failed, Outcome, Reason, Refused, RetryAfter, Unknown
from sinks.calls.references import reference
from sinks.pagerduty import payload
from sinks.pagerduty.api import Found, Rest
from sinks.pagerduty.settings import Settings
from sinks.platform import PAGING, STATUS_STEPS, Connection, Repeat, Request, Traits
from sinks.text.writer import Writer, writer_for
from tables.deliveries import Held, Operation, Why
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident, StepKind
from ticketing.domain.text import line

log = structlog.get_logger(__name__)

NAME = "pagerduty"

EVENTS = frozenset(
    {
        Operation.CREATE,
        Operation.UPDATE,
        Operation.REOPEN,
        Operation.ACKNOWLEDGE,
        Operation.RESOLVE,
        Operation.PAGE,
    }
)
"""The operations of the Events API, which can't escalate: without the REST API, an escalated
incident goes on by PagerDuty's own escalation policy."""
REST = frozenset({Operation.ESCALATE, Operation.COMMENT})
TRIGGERS = frozenset({Operation.CREATE, Operation.UPDATE, Operation.REOPEN, Operation.PAGE})
OPENINGS = frozenset({Operation.CREATE, Operation.REOPEN, Operation.PAGE})
BAD_EVENT = 400
"""The status of an event with a field that PagerDuty does not take."""
NOT_SEEN = (
    "PagerDuty took the event, and no incident appeared: is the service disabled or in maintenance, "
    "or does an event rule drop or suppress it?"
)
NO_INCIDENT = "ticketing-agent-connection-test"
"""A deduplication key that no incident has."""
INCIDENT_PAGE = re.compile(r"/incidents/([A-Z0-9]{1,32})$")

APPEARS_WITHIN_SECONDS = 120.0
"""PagerDuty takes an event before its incident can be seen. An incident that is missing for longer
is refused, as it will most likely not appear."""
APPEARS_AGAIN_SECONDS = 5.0
"""The pause before the incident is looked for again; a note or an escalation is not urgent."""
# A new page's incident is looked for at once, half a second later and a second after that: a quick
# PagerDuty shows the incident by then, and the receipt of a page is not held up for long.
ENRICH_SECONDS_MAX = 3.0
ENRICH_TRIES = 3
ENRICH_PAUSE_SECONDS = 0.5
LOOK_AGAIN_SECONDS = 10.0
"""A slow PagerDuty shows the incident by then. What is still missing is triggered again, in case
the service or the rule lets it through by now; `deliverWithin` decides when others are told."""


class PagerDutySink:
    """Alerts and incidents of one PagerDuty account."""

    name = NAME

    def __init__(
        self,
        settings: Settings,
        http: Http,
        writer: Writer,
    ) -> None:
        self._settings = settings
        self._http = http
        self._writer = writer
        self.clock: Callable[[], float] = time.time
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        self._keys = settings.keys()
        self._rest = (
            Rest(http, settings.rest_url, settings.api_token, settings.from_email)
            if settings.api_token
            else None
        )
        self.traits = Traits(
            repeat=Repeat.BLINDLY,
            operations=EVENTS | REST if self._rest else EVENTS,
            updates=frozenset({Why.SEVERITY}),
            steps=STATUS_STEPS - {StepKind.OPENED} if self._rest else frozenset(),
            aside=REST,
            pages=PAGING | {Operation.ESCALATE},
            loud=True,
            auto_acknowledge=settings.auto_acknowledge,
        )

    def account(self, want: Incident) -> str:
        """The routing key for a new alert, as a reference."""
        key = self._settings.key_for(want)
        return reference(key) if key else ""

    async def perform(self, request: Request) -> Outcome:
        """Send the operation's event, or its REST calls; safe to repeat."""
        if self._rest is not None and request.operation in REST:
            return await self._over_rest(self._rest, request)
        account = request.have.account if request.have else request.account
        key = self._keys.get(account)
        if key is None:
            return Refused(
                Reason.CREDENTIALS,
                "the routing key that this alert was opened with is not configured any more",
            )
        if await self._there_already(request):
            return await self._seen(request, account, ())
        if request.operation is Operation.PAGE:
            # An acknowledged incident is silent for new triggers of its key.
            await self._enqueue(payload.resolve(self._key(request), key), account)
        left_out = await self._sent(self._event(request, key), account)
        return await self._seen(request, account, left_out)

    async def _sent(self, event: dict[str, Any], account: str) -> tuple[str, ...]:
        """Send an event; one that is refused goes out once more with its indispensable fields."""
        try:
            await self._enqueue(event, account)
        except Failed as failed:
            if failed.status != BAD_EVENT or "payload" not in event:
                raise
            await self._enqueue(payload.plain(event), account)
            return (f"details, links: PagerDuty refused them ({line(failed.outcome.detail)})",)
        return ()

    async def _enqueue(self, event: dict[str, Any], account: str) -> None:
        answer = await self._http.call(
            "POST",
            f"{self._settings.api_url}/v2/enqueue",
            body=event,
            accepted=True,
            account=account,
        )
        _confirm(answer.data)

    async def _there_already(self, request: Request) -> bool:
        """True if an earlier attempt has opened the alert, which a repeat could open once more.

        A person may have resolved the incident meanwhile.
        """
        if not request.uncertain or request.operation not in OPENINGS or self._rest is None:
            return False
        try:
            found = await asyncio.wait_for(
                self._rest.incident(self._key(request)), ENRICH_SECONDS_MAX
            )
        except (Failed, asyncio.TimeoutError):
            # A page does not wait for the REST API.
            return False
        if request.operation is Operation.PAGE:
            # A note may have been written to the new incident, so that its number is the known one.
            return found is not None and (found.rings or _number(found) > _number(request.have))
        return found is not None and _newer(found, request)

    async def _seen(self, request: Request, account: str, left_out: tuple[str, ...]) -> Outcome:
        """The outcome of an event that PagerDuty accepted.

        Accepted is not delivered: a disabled service, maintenance or a rule opens no incident. Only
        an answer of the REST API without the incident shows that.
        """
        if self._rest is None or request.operation not in TRIGGERS:
            return _delivered(self._key(request), None, account, left_out)
        try:
            found = await asyncio.wait_for(self._appeared(self._rest, request), ENRICH_SECONDS_MAX)
        except (Failed, asyncio.TimeoutError) as error:
            # No failure here may make the page fail or hold its receipt up for long.
            log.info("incident_not_seen_yet", platform=NAME, error=str(error))
            return _delivered(self._key(request), None, account, left_out)
        if found is None:
            return Unknown(Reason.NOT_SEEN, True, LOOK_AGAIN_SECONDS, NOT_SEEN)
        told = await self._prioritised(self._rest, found, request.want)
        return _delivered(self._key(request), found, account, (*left_out, *told))

    async def _appeared(self, rest: Rest, request: Request) -> Found | None:
        """The incident of an alert that was just triggered, or None if it does not appear."""
        for attempt in range(ENRICH_TRIES):
            await self.sleep(ENRICH_PAUSE_SECONDS * attempt)
            found = await rest.incident(self._key(request))
            if found is not None and _newer(found, request):
                return found
        return None

    def _key(self, request: Request) -> str:
        """The deduplication key; that of a held alert stays the one that opened it."""
        known = request.have.external_id if request.have else ""
        return known or payload.dedup_key(self._writer.key(request.incident_id))

    def _event(self, request: Request, key: str) -> dict[str, Any]:
        if request.operation is Operation.ACKNOWLEDGE:
            return payload.acknowledge(self._key(request), key)
        if request.operation is Operation.RESOLVE:
            return payload.resolve(self._key(request), key)
        severities = self._settings.severity_mapping
        return payload.trigger(request.want, self._key(request), key, severities, self._writer)

    async def _over_rest(self, rest: Rest, request: Request) -> Outcome:
        known = incident_id_in(request.have.url) if request.have else ""
        found = await rest.incident(self._key(request), known)
        if found is None:
            return self._not_there(request)
        told: list[str] = []
        if request.operation is Operation.COMMENT:
            await self._comment(rest, found, request)
        elif not found.resolved:
            # An incident that a person has resolved is left alone.
            policy = self._settings.policy_for(request.want)
            told = await rest.change(found, payload.escalate(request.want, policy))
        if not found.resolved:
            told += await self._prioritised(rest, found, request.want)
        account = request.have.account if request.have else request.account
        return _delivered(self._key(request), found, account, tuple(told))

    def _not_there(self, request: Request) -> Outcome:
        shown_at = request.have.shown.at if request.have else 0.0
        seen_before = request.have is not None and bool(request.have.url)
        if not seen_before and self.clock() < shown_at + APPEARS_WITHIN_SECONDS:
            detail = "the incident can't be seen yet"
            return RetryAfter(Reason.NOT_FOUND, APPEARS_AGAIN_SECONDS, detail)
        return Refused(Reason.NOT_FOUND, "there is no incident with this deduplication key")

    async def _comment(self, rest: Rest, found: Found, request: Request) -> None:
        told = request.steps
        if request.uncertain:
            told = payload.missing_from(await rest.notes(found), told)
        if told:
            await rest.add_note(found, payload.note(told))

    async def _prioritised(self, rest: Rest, found: Found, want: Incident) -> list[str]:
        """Set the priority; no failure here undoes what went before. Returns what was not taken."""
        priority = self._settings.priorities.get(want.severity.nearest)
        if not priority or found.resolved:
            return []
        try:
            return await asyncio.wait_for(
                rest.change(found, payload.prioritise(priority)), ENRICH_SECONDS_MAX
            )
        except asyncio.TimeoutError:
            return []
        except Failed as failed:
            if not isinstance(failed.outcome, Refused):
                log.info("priority_not_set_yet", platform=NAME, error=str(failed))
                return []
            return [f"priority: PagerDuty refused it ({line(failed.outcome.detail)})"]

    async def test_connection(self) -> Connection:
        """Check the addresses, the key, and the token's access to the configured objects.

        The Events API can't check a routing key without a side effect. The test sends an event
        without a key, which PagerDuty must refuse.
        """
        if not self._keys:
            return Connection(ok=False, message="set pagerduty.routingKey")
        problem = await self._problem_of_events()
        if not problem and self._rest is not None:
            problem = await self._problem_of_rest(self._rest)
        if problem:
            return Connection(ok=False, message=problem)
        seen = " and the API token is good" if self._rest else ""
        return Connection(
            ok=True,
            message=f"the Events API answers{seen}; only an alert would check the routing key",
        )

    async def _problem_of_events(self) -> str:
        try:
            await self._http.call(
                "POST",
                f"{self._settings.api_url}/v2/enqueue",
                body={"routing_key": "", "event_action": "trigger"},
                accepted=True,
            )
        except Failed as failed:
            return "" if failed.outcome.reason is Reason.INVALID else f"pagerduty.apiUrl: {failed}"
        return "pagerduty.apiUrl accepts invalid events too: it is not PagerDuty's address"

    async def _problem_of_rest(self, rest: Rest) -> str:
        try:
            await rest.get("/users/me")
        except Failed as failed:
            # Only a user's own token has a user; an account's token needs `fromEmail`.
            if failed.outcome.reason is not Reason.INVALID:
                return f"pagerduty.apiToken: {failed}"
            if not self._settings.from_email:
                return "set pagerduty.fromEmail: the API token belongs to no user"
        try:
            await rest.get("/abilities")
            for policy in sorted(self._settings.escalation_policies.names()):
                await rest.get(f"/escalation_policies/{policy}")
        except Failed as failed:
            where = (
                "escalationPolicies" if failed.outcome.reason is Reason.NOT_FOUND else "apiToken"
            )
            return f"pagerduty.{where}: {failed}"
        return await self._problem_of_names(rest)

    async def _problem_of_names(self, rest: Rest) -> str:
        """The problem of the search after a lost answer, of priorities or of services, if any."""
        try:
            await rest.incident(NO_INCIDENT)
        except Failed as failed:
            return f"pagerduty.apiToken: incidents can't be searched: {failed}"
        try:
            known = await rest.priorities() if self._settings.priorities else set()
        except Failed as failed:
            return f"pagerduty.priorities: {failed}"
        unknown = sorted(set(self._settings.priorities.values()) - known)
        if unknown:
            return f"pagerduty.priorities: no such priority id: {', '.join(unknown)}"
        try:
            services = await rest.services()
        except Failed as failed:
            return f"pagerduty.apiToken: services can't be listed: {failed}"
        silent = sorted(
            f"{service.name} ({service.status})"
            for service in services
            if service.silent and set(service.routing_keys) & set(self._keys.values())
        )
        if not silent:
            return ""
        return f"pagerduty.routingKey: events for {', '.join(silent)} are taken and page nobody"

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _newer(found: Found, request: Request) -> bool:
    """True unless the incident is one of an earlier episode, which was resolved."""
    before = request.have.key if request.have else ""
    if not found.resolved or request.have is None:
        return True
    return before.isdecimal() and found.number > int(before)


def _number(of: Found | Held | None) -> int:
    """The number of an incident, 0 if it is not known."""
    text = str(of.number) if isinstance(of, Found) else of.key if of is not None else ""
    return int(text) if text.isdecimal() else 0


def incident_id_in(url: str) -> str:
    """PagerDuty's id of an incident in the address of its page; empty without one."""
    found = INCIDENT_PAGE.search(url)
    return found[1] if found else ""


def _delivered(
    key: str, found: Found | None, account: str, left_out: tuple[str, ...] = ()
) -> Delivered:
    """The receipt. Its id stays the deduplication key, even if another incident holds the alert."""
    return Delivered(
        external_id=key,
        key=str(found.number) if found else "",
        url=found.url if found else "",
        account=account,
        left_out=left_out,
    )


def _confirm(data: Any) -> None:
    """Raise Failed unless the answer says that the event was taken."""
    if not isinstance(data, dict) or data.get("status") != "success":
        raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer does not say success"))


def create(config: Config, open_http: HttpFactory) -> PagerDutySink:
    """The sink as configured."""
    settings = Settings.of(config.pagerduty)
    http = open_http(settings.secrets())
    return PagerDutySink(settings, http, writer_for(config, NAME))
