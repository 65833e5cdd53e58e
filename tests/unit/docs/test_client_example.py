"""docs/api.md: the example of the Python client does what it says, against the API itself."""

from __future__ import annotations

from typing import Any

import pytest
from support.pages import blocks, chapter, page

from tests.unit.api.conftest import api as api
from tests.unit.api.conftest import make_incident
from tests.unit.api.conftest import start as start
from ticketing.domain.incidents.incident import Status


async def test_the_example_acknowledges_what_is_open(
    api: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = blocks(chapter(page("docs/api.md"), "## From Python"), "python")
    names: dict[str, Any] = {}
    exec(compile(example, "docs/api.md", "exec"), names)
    await api.put(make_incident(1), make_incident(2, status=Status.RESOLVED))
    await names["take_over"](str(api.client.make_url("/")), None)
    assert [command.incident_id for command in api.writer.received] == [make_incident(1).id]
    assert (await api.get(f"/api/incidents/{make_incident(1).id}"))[1]["status"] == "acknowledged"
    assert capsys.readouterr().out == ""
