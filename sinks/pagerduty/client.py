"""The PagerDuty sink: one event per operation, recognised by its deduplication key.

https://developer.pagerduty.com/docs/events-api-v2-overview
An alert is deduplicated only while it is open and only under the routing key that opened it; hence
the key is remembered with the ticket and an unknown outcome is simply repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sinks.http import Http, http_for
from sinks.outcome import Delivered, Failed, Outcome, Reason, Rejected, Unknown
from sinks.pagerduty import payload
from sinks.pagerduty.settings import Settings
from sinks.platform import Connection, Repeat, Request, Traits
from sinks.references import reference
from tables.deliveries import Operation, Why
from ticketing.config import Config
from ticketing.domain.incident import Incident

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
"""What Events can do. Escalating needs the REST API; until it is used, an escalated incident stays
open at PagerDuty, whose own escalation policy goes on."""


class PagerDutyPlatform:
    """Alerts of one PagerDuty account."""

    name = NAME

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._keys = settings.keys()
        self.traits = Traits(
            repeat=Repeat.BLINDLY,
            operations=EVENTS,
            updates=frozenset({Why.SEVERITY}),
            auto_acknowledge=settings.auto_acknowledge,
        )

    def account(self, want: Incident) -> str:
        """The routing key for a new alert, as a reference."""
        key = self._settings.key_for(want)
        return reference(key) if key else ""

    async def perform(self, request: Request) -> Outcome:
        """Send the one event that the operation is; safe to repeat."""
        account = request.have.account if request.have else request.account
        key = self._keys.get(account)
        if key is None:
            return Rejected(
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
        dedup_key = payload.dedup_key(request.incident_id)
        return Delivered(external_id=dedup_key, key=dedup_key, account=account)

    def _event(self, request: Request, key: str) -> dict[str, Any]:
        if request.operation is Operation.ACKNOWLEDGE:
            return payload.acknowledge(request.incident_id, key)
        if request.operation is Operation.RESOLVE:
            return payload.resolve(request.incident_id, key)
        return payload.trigger(request.want, key, self._settings.severity_mapping)

    async def test_connection(self) -> Connection:
        """Whether the address answers and a key is there.

        Events has no check of a routing key without a side effect, so an event that PagerDuty must
        refuse is sent: without a key nothing can be opened.
        """
        if not self._keys:
            return Connection(ok=False, message="set pagerduty.routingKey")
        try:
            await self._http.call(
                "POST", f"{self._settings.api_url}/v2/enqueue", body={"event_action": "trigger"}
            )
        except Failed as failed:
            if failed.outcome.reason is Reason.INVALID:
                return Connection(
                    ok=True,
                    message="the Events API answers; only an alert would check the routing key",
                )
            return Connection(ok=False, message=f"pagerduty.apiUrl: {failed}")
        return Connection(ok=False, message="pagerduty.apiUrl takes anything: is it PagerDuty?")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _confirm(data: Any) -> None:
    """Raise Failed unless the answer says that the event was taken."""
    if not isinstance(data, dict) or data.get("status") != "success":
        raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer does not say success"))


def create(config: Config, fence: Callable[[], None]) -> PagerDutyPlatform:
    """The sink as configured; `fence` is called right before each request."""
    settings = Settings.of(config.pagerduty)
    http = http_for(config, NAME, settings.keys().values(), fence)
    return PagerDutyPlatform(settings, http)
