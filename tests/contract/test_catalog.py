"""A test of the connection names what the catalog calls otherwise than the platform."""

from __future__ import annotations

from typing import Any

import pytest
from contract.conftest import OpenDesk

from sinks.opsgenie.connection import CATALOG_MAX

KINDS = {"opsgenie": "team", "servicenow": "group", "zammad": "group"}
NAMES: dict[str, Any] = {"team": "SRE", "group": "Management"}
HAS = pytest.mark.only(lambda one: one.platform in KINDS and one.name != "opsgenie-jsm-key")


def catalog(**services: dict[str, str]) -> dict[str, Any]:
    return {"catalog": {"services": services}}


@HAS
async def test_a_name_of_the_catalog_that_is_not_there_is_told(open_desk: OpenDesk) -> None:
    wrong = catalog(checkout={"team": "Nobody", "group": "Nobody"}, cart=NAMES)
    tested = await open_desk(settings=wrong).life.platform.test_connection()
    assert tested.ok, tested.message
    assert "catalog: " in tested.message
    assert "Nobody" in tested.message
    assert "Management" not in tested.message
    assert "SRE" not in tested.message


@HAS
async def test_a_catalog_that_fits_is_not_spoken_of(open_desk: OpenDesk) -> None:
    tested = await open_desk(settings=catalog(cart=NAMES)).life.platform.test_connection()
    assert tested.ok, tested.message
    assert "catalog" not in tested.message


@pytest.mark.only(lambda one: one.platform == "servicenow")
async def test_an_item_of_the_catalog_that_is_not_there_is_told(open_desk: OpenDesk) -> None:
    items = catalog(checkout={"ci": "No such item"}, cart={"ci": "payment"})
    tested = await open_desk(settings=items).life.platform.test_connection()
    assert tested.ok, tested.message
    assert "catalog: ci: " in tested.message
    assert "payment" not in tested.message


@HAS
async def test_a_large_catalog_costs_a_bounded_number_of_requests(open_desk: OpenDesk) -> None:
    services = {f"s{n}": {"team": f"t{n}", "group": f"g{n}"} for n in range(3 * CATALOG_MAX)}
    desk = open_desk(settings=catalog(**services))
    await desk.life.platform.test_connection()
    assert desk.requests() < 2 * CATALOG_MAX
