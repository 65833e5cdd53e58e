"""The PagerDuty sink: alerts by events, recognised by their deduplication key; the rest by REST.

https://developer.pagerduty.com/docs/events-api-v2-overview
An event of unknown outcome is repeated, since PagerDuty deduplicates an open alert. It does so only
under the routing key that opened the alert, which is therefore kept with the ticket.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog

from sinks.calls.http import Http, HttpFactory
from sinks.calls.outcome import Delivered, Failed, Outcome, Reason, Refused, RetryAfter, Unknown
from sinks.calls.references import reference
from sinks.pagerduty import payload
from sinks.pagerduty.api import Found, Rest
from sinks.pagerduty.settings import Settings
from sinks.platform import STATUS_STEPS, Connection, Repeat, Request, Traits
from sinks.text.writer import Writer, writer_for
from tables.deliveries import Operation, Why
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident, StepKind

log = structlog.get_logger(__name__)

NAME = "pagerduty"

EVENTS = frozenset(
    {
        Operation.CREATE,
        Operation.UPDATE,
        Operation.REOPEN,
        Operation.ACKNOWLEDGE,
        Operation.RESOLVE,
    }
)
"""The operations of the Events API, which can't escalate: without the REST API, an escalated
incident goes on by PagerDuty's own escalation policy."""
REST = frozenset({Operation.ESCALATE, Operation.COMMENT})
TRIGGERS = frozenset({Operation.CREATE, Operation.UPDATE, Operation.REOPEN})

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
        answer = await self._http.call(
            "POST",
            f"{self._settings.api_url}/v2/enqueue",
            body=self._event(request, key),
            account=account,
        )
        _confirm(answer.data)
        found = None
        if self._rest is not None and request.operation in TRIGGERS:
            found = await self._enriched(self._rest, request)
        return _delivered(request.incident_id, found, account)

    def _event(self, request: Request, key: str) -> dict[str, Any]:
        if request.operation is Operation.ACKNOWLEDGE:
            return payload.acknowledge(request.incident_id, key)
        if request.operation is Operation.RESOLVE:
            return payload.resolve(request.incident_id, key)
        return payload.trigger(request.want, key, self._settings.severity_mapping, self._writer)

    async def _enriched(self, rest: Rest, request: Request) -> Found | None:
        """The incident of an alert that was just triggered, with its priority set.

        The page is out. No failure here may make the page fail or hold its receipt up for long.
        """
        try:
            return await asyncio.wait_for(self._enrich(rest, request), ENRICH_SECONDS_MAX)
        except (Failed, asyncio.TimeoutError) as error:
            log.info("incident_not_seen_yet", platform=NAME, error=str(error))
            return None

    async def _enrich(self, rest: Rest, request: Request) -> Found | None:
        found = None
        for attempt in range(ENRICH_TRIES):
            await asyncio.sleep(ENRICH_PAUSE_SECONDS * attempt)
            found = await rest.incident(payload.dedup_key(request.incident_id))
            if found is not None and not found.resolved:
                break
        if found is None or found.resolved:
            # A resolved incident belongs to an earlier episode, not to the alert just triggered.
            return None
        await self._prioritise(rest, found, request.want)
        return found

    async def _over_rest(self, rest: Rest, request: Request) -> Outcome:
        found = await rest.incident(payload.dedup_key(request.incident_id))
        if found is None:
            return self._not_there(request)
        if request.operation is Operation.COMMENT:
            await self._comment(rest, found, request)
        elif not found.resolved:
            # An incident that a person has resolved is left alone.
            policy = self._settings.policy_for(request.want)
            await rest.change(found, payload.escalate(request.want, policy))
        if not found.resolved:
            await self._prioritise(rest, found, request.want)
        account = request.have.account if request.have else request.account
        return _delivered(request.incident_id, found, account)

    def _not_there(self, request: Request) -> Outcome:
        shown_at = request.have.shown.at if request.have else 0.0
        if self.clock() < shown_at + APPEARS_WITHIN_SECONDS:
            detail = "the incident can't be seen yet"
            return RetryAfter(Reason.NOT_FOUND, APPEARS_AGAIN_SECONDS, detail)
        return Refused(Reason.NOT_FOUND, "there is no incident with this deduplication key")

    async def _comment(self, rest: Rest, found: Found, request: Request) -> None:
        told = request.steps
        if request.uncertain:
            told = payload.missing_from(await rest.notes(found), told)
        if told:
            await rest.add_note(found, payload.note(told))

    async def _prioritise(self, rest: Rest, found: Found, want: Incident) -> None:
        priority = self._settings.priorities.get(want.severity.nearest)
        if priority:
            await rest.change(found, payload.prioritise(priority))

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
        return await self._problem_of_priorities(rest)

    async def _problem_of_priorities(self, rest: Rest) -> str:
        if not self._settings.priorities:
            return ""
        try:
            answer = await rest.get("/priorities", {"limit": "100"})
        except Failed as failed:
            return f"pagerduty.priorities: {failed}"
        rows = answer.data.get("priorities", []) if isinstance(answer.data, dict) else []
        known = {row.get("id") for row in rows if isinstance(row, dict)}
        unknown = sorted(set(self._settings.priorities.values()) - known)
        return f"pagerduty.priorities: no such priority id: {', '.join(unknown)}" if unknown else ""

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _delivered(incident_id: str, found: Found | None, account: str) -> Delivered:
    """The receipt. Its id stays the deduplication key, even if another incident holds the alert."""
    return Delivered(
        external_id=payload.dedup_key(incident_id),
        key=str(found.number) if found else "",
        url=found.url if found else "",
        account=account,
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
