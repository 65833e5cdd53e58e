"""The transport of a dry run: requests are shown, nothing is sent, and secrets stay out."""

from __future__ import annotations

from typing import Any

from sinks.calls.dry_run import DryRun, DryRunRequest
from sinks.calls.http import Http, http_for
from ticketing.config import Config
from ticketing.log import Redactor

SECRET = "s3cr3t-token-value"


class Shown:
    """Keeps what a dry run shows, and what its platform was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.lines: list[tuple[str, str, str]] = []
        self.requests: list[DryRunRequest] = []
        self.transport = DryRun(self.answers, self.show, Redactor([SECRET]))

    def show(self, method: str, url: str, body: str) -> None:
        self.lines.append((method, url, body))

    def answers(self, request: DryRunRequest) -> Any:
        self.requests.append(request)
        return self.answer


async def test_a_request_is_shown_without_secrets_and_gets_its_assumed_answer() -> None:
    shown = Shown({"id": "(id)"})
    answer = await Http(shown.transport).call(
        "POST",
        "http://127.0.0.1:9/tickets",
        body={"text": SECRET},
        params={"key": SECRET, "a": "b c"},
    )
    assert answer.data == {"id": "(id)"}
    assert shown.lines == [("POST", "http://127.0.0.1:9/tickets?key=****&a=b+c", '{"text":"****"}')]
    assert shown.requests == [
        DryRunRequest(
            method="POST",
            path="/tickets",
            query={"key": SECRET, "a": "b c"},
            body={"text": SECRET},
        )
    ]


async def test_a_form_is_read_as_a_dictionary() -> None:
    shown = Shown(None)
    answer = await Http(shown.transport).call("POST", "http://127.0.0.1:9/", form={"a": "b"})
    assert answer.data is None
    assert shown.requests[0].body == {"a": "b"}


async def test_an_answer_of_bytes_is_taken_as_it_is() -> None:
    shown = Shown(b"ok")
    answer = await Http(shown.transport).call("POST", "http://127.0.0.1:9/", text=True)
    assert answer.body == b"ok"


async def test_no_room_under_the_rate_limit_is_needed() -> None:
    config = Config.model_validate({"slack": {"rateLimit": "1/hour"}})
    shown = Shown({})
    http = http_for(config, "slack", [], fence=lambda: None, transport=shown.transport)
    for _ in range(3):
        await http.call("GET", "http://127.0.0.1:9/")
    assert len(shown.lines) == 3
