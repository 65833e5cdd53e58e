"""Every role that a process can have stands in docs/operations.md and in the help of `worker`."""

from __future__ import annotations

import pytest
from support.pages import chapter, code, page

from ticketing.cli.worker import worker
from ticketing.config import PLATFORMS, Config
from ticketing.worker import roles


def every_role() -> list[str]:
    """The roles where everything is switched on."""
    enabled = {name: {"enabled": True} for name in PLATFORMS}
    llm = {"provider": "openai", "model": "gpt-4"}
    return roles(Config.model_validate({**enabled, "llm": llm}))


def test_everything_switched_on_has_all_roles() -> None:
    assert {"pipeline", "traces", "summaries", "view", "api", *PLATFORMS} == set(every_role())


@pytest.mark.parametrize("role", every_role())
def test_a_role_stands_in_the_table_of_operations(role: str) -> None:
    # One row stands for all platforms: a new one is not to be entered here, too.
    named = "<platform>" if role in PLATFORMS else role
    assert named in code(chapter(page("docs/operations.md"), "## Roles and processes"))


@pytest.mark.parametrize("role", sorted(set(every_role()) - set(PLATFORMS)))
def test_a_role_stands_in_the_help_of_worker(role: str) -> None:
    assert f" {role} " in " ".join((worker.help or "").split())
