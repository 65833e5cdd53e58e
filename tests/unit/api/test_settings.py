"""Settings over HTTP: what a change is taken for, what it answers, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from support.access import ENFORCED, Keys

from ticketing.api.settings import KafkaSettingsDesk
from ticketing.config import Config, validate
from ticketing.errors import Conflict, Unavailable
from ticketing.kafka.runtime import Runtime
from ticketing.wire.settings import ChangedSettings, encode_settings

GIVEN = {
    "jira": {
        "enabled": True,
        "baseUrl": "https://jira.test",
        "projectKey": "OPS",
        "userEmail": "a@b.test",
        "apiToken": "jira-planted-secret",
    }
}


class Topic:
    """The changed settings in memory, in the place of their topic."""

    def __init__(self) -> None:
        self.kept = ChangedSettings()
        self.written: list[bytes] = []
        self.failure: Exception | None = None

    def read(self) -> ChangedSettings:
        if self.failure is not None:
            raise self.failure
        return self.kept

    def write(self, after: ChangedSettings, changes: dict[str, Any], by: str) -> ChangedSettings:
        if after != self.kept:
            raise Conflict("changed", "Somebody else changed settings at the same time.")
        self.kept = ChangedSettings(revision=after.revision + 1, at=1.9e9, by=by, changes=changes)
        self.written.append(encode_settings(self.kept))
        return self.kept


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest.fixture
async def api(start: Any, topic: Topic) -> Any:
    runtime = Runtime(validate(GIVEN), "127.0.0.1:9", embedded=False)
    return await start(GIVEN, settings=KafkaSettingsDesk(runtime, topic))


async def patched(api: Any, section: str, body: Any, **options: Any) -> tuple[int, Any]:
    async with api.client.patch(f"/api/v1/config/{section}", json=body, **options) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_change_is_kept_and_answers_what_it_changed(api: Any, topic: Topic) -> None:
    assert await patched(api, "anomaly", {"minimumScore": 0.9}) == (
        200,
        {
            "section": "anomaly",
            "changed": [{"key": "anomaly.minimumScore", "from": 0.85, "to": 0.9}],
            "revision": 1,
            "appliesAfter": "restart",
        },
    )
    status, answer = await patched(api, "platforms", {"jira": {"timeout": "3s"}})
    assert (status, answer["revision"]) == (200, 2)
    assert answer["changed"] == [{"key": "jira.timeout", "from": 10.0, "to": 3.0}]
    assert topic.kept.changes == {"anomaly": {"minimumScore": 0.9}, "jira": {"timeout": "3s"}}


async def test_the_same_again_changes_nothing_and_null_takes_it_back(
    api: Any, topic: Topic
) -> None:
    for _ in range(2):
        _, answer = await patched(api, "anomaly", {"minimumScore": 0.9})
    assert (answer["revision"], answer["changed"], len(topic.written)) == (1, [], 1)
    _, answer = await patched(api, "anomaly", {"minimumScore": None})
    assert answer["changed"] == [{"key": "anomaly.minimumScore", "from": 0.9, "to": 0.85}]
    assert topic.kept.changes == {}


async def test_what_is_kept_and_what_runs_are_told_apart(api: Any) -> None:
    nothing = {"revision": 0, "inEffect": True, "at": None, "by": None, "changes": {}}
    assert await api.get("/api/v1/config/changes") == (200, nothing)
    await patched(api, "routing", {"low": ["jira"]})
    _, told = await api.get("/api/v1/config/changes")
    assert told == {
        "revision": 1,
        "inEffect": False,
        "at": "2030-03-17T17:46:40.000Z",
        "by": "local",
        "changes": {"routing": {"low": ["jira"]}},
    }


@pytest.mark.parametrize(
    ("section", "body", "field"),
    [
        ("anomaly", {"minimumScore": 7}, "anomaly.minimumScore"),
        ("anomaly", {"minimumScor": 0.9}, "anomaly.minimumScor"),
        ("routing", {"low": ["fax"]}, "routing.low[0]"),
        ("routing", {"low": ["slack"]}, "routing.low"),
        ("platforms", {"fax": {}}, "fax"),
        ("platforms", {"jira": 7}, "jira"),
        ("platforms", {"jira": {"projectKey": "\ud800"}}, "jira.projectKey"),
        ("platforms", {"jira": {"apiToken": "another-secret"}}, "jira.apiToken"),
        ("platforms", {"jira": {"baseUrl": "https://evil.test"}}, "jira.apiToken"),
        ("platforms", {"slack": {"webhookUrl": "https://s.test/secret"}}, "slack.webhookUrl"),
        ("llm", {"provider": "openai", "model": "m", "apiKey": "sk-planted"}, "llm.apiKey"),
        ("anomaly", [1], "body"),
    ],
)
async def test_what_cannot_be_taken_names_its_field_and_is_not_kept(
    api: Any, topic: Topic, section: str, body: Any, field: str
) -> None:
    status, problem = await patched(api, section, body)
    assert (status, problem["field"]) == (400, field), problem
    assert topic.written == []
    for secret in ("another-secret", "s.test/secret", "sk-planted", "jira-planted-secret"):
        assert secret not in str(problem)


async def test_a_masked_secret_goes_nowhere(api: Any, topic: Topic) -> None:
    _, shown = await api.get("/api/v1/config")
    assert shown["jira"]["apiToken"] == "****"
    status, answer = await patched(api, "platforms", {"jira": {**shown["jira"], "timeout": 4}})
    assert (status, [one["key"] for one in answer["changed"]]) == (200, ["jira.timeout"])
    assert b"****" not in topic.written[0]
    assert b"planted" not in topic.written[0]


async def test_other_sections_are_not_changed_here(api: Any) -> None:
    status, problem = await patched(api, "web", {"port": 1})
    assert (status, "platforms, routing, anomaly, llm" in problem["detail"]) == (404, True)


@pytest.mark.parametrize(
    ("failure", "status"), [(Unavailable("Kafka does not answer"), 503), (Conflict("x", "y"), 409)]
)
async def test_a_change_that_is_not_kept_says_so(
    api: Any, topic: Topic, failure: Exception, status: int
) -> None:
    topic.failure = failure
    assert (await patched(api, "anomaly", {"minimumScore": 0.9}))[0] == status


async def test_a_change_is_an_admins_and_stands_in_the_audit(start: Any, topic: Topic) -> None:
    keys, audit = Keys(), Noted()
    runtime = Runtime(Config.model_validate(ENFORCED), "127.0.0.1:9", embedded=False)
    desk = KafkaSettingsDesk(runtime, topic)
    api = await start(ENFORCED, door=keys.door(audit=audit), settings=desk)
    body = {"minimumScore": 0.9}
    for role, status in [("viewer", 403), ("responder", 403), ("admin", 200)]:
        headers = keys.key(role, role)
        assert (await patched(api, "anomaly", body, headers=headers))[0] == status
    assert topic.kept.by == "token:admin"
    (entry,) = [one for one in audit.entries if one.status == 200]
    assert (entry.who, entry.route) == ("token:admin", "PATCH /api/v1/config/{section}")
    assert entry.subjects == ["anomaly"]


class Noted:
    """An audit in memory."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def write(self, entry: Any) -> None:
        self.entries.append(entry)

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("NaN", "jira.customFields.one"),
        ("[1, -Infinity]", "jira.customFields.one.1"),
        ("1e999", "jira.customFields.one"),
        (r'"\ud800"', "jira.customFields.one"),
        (r'{"\ud800": 1}', "jira.customFields.one"),
        ("[" * 18 + "]" * 18, "jira"),
        ("[" * 900 + "]" * 900, "jira"),
    ],
)
async def test_a_free_value_that_no_other_reader_takes_is_refused(
    api: Any, topic: Topic, value: str, field: str
) -> None:
    raw = '{"jira": {"customFields": {"one": %s}}}' % value  # noqa: UP031
    async with api.client.patch("/api/v1/config/platforms", data=raw) as answer:
        problem = await answer.json(content_type=None)
    assert (answer.status, problem["field"]) == (400, field)
    assert topic.written == []


async def test_a_free_value_may_be_nested(api: Any) -> None:
    value: Any = []
    for _ in range(16):
        value = [value]
    status, answer = await patched(api, "platforms", {"jira": {"customFields": {"one": value}}})
    assert (status, answer["changed"][-1]["to"]) == (200, value)
