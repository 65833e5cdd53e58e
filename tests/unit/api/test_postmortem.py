"""The post-mortem of an incident over HTTP."""

from __future__ import annotations

from typing import Any

from tests.unit.api.conftest import make_incident

ONE = make_incident(1)


async def test_a_post_mortem_is_a_file_of_markdown(start: Any) -> None:
    api = await start({"web": {"publicUrl": "https://console.example/t/"}})
    await api.put(ONE)
    host = {"Host": "console.example"}
    path = f"/api/v1/incidents/{ONE.id}/postmortem"
    async with api.client.get(path, headers=host) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/markdown"
        assert f"postmortem-{ONE.id}.md" in answer.headers["Content-Disposition"]
        text = await answer.text()
    assert text.startswith("# Post-mortem: `payment failed 1`")
    assert f"(https://console.example/t/#/incidents/{ONE.id})" in text


async def test_there_is_none_of_an_unknown_incident(api: Any) -> None:
    status, _ = await api.get(f"/api/v1/incidents/{ONE.id}/postmortem")
    assert status == 404
