"""The generated parts of the Helm chart are those of the code, and its files fit each other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from ticketing.cli import chart
from ticketing.cli.chart import README, REGISTRY, SCHEMA, VALUES
from ticketing.config.platforms import PLATFORMS
from ticketing.metrics import names
from ticketing.metrics.declaration import PREFIX

CHART = Path(__file__).parents[3] / "charts" / "ticketing-agent"


def text(part: Path) -> str:
    return (CHART / part).read_text(encoding="utf-8")


def test_the_registry_is_that_of_the_code() -> None:
    assert json.loads(text(REGISTRY)) == chart.registry()


def test_the_schema_has_every_setting() -> None:
    assert chart.schema(text(SCHEMA)) == text(SCHEMA)


def test_the_readme_has_every_value() -> None:
    assert chart.readme(text(README), text(SCHEMA), text(VALUES)) == text(README)


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="values: begin"):
        chart.readme("# Chart", text(SCHEMA), text(VALUES))


def test_secrets_of_every_kind_are_known() -> None:
    secrets = chart.registry()["secrets"]
    assert {"web.token", "kafka.password", "llm.providers[].apiKey"} <= set(secrets)
    assert "redis.url" not in secrets


def test_every_platform_has_values_of_its_own() -> None:
    roles = json.loads(text(SCHEMA))["properties"]["roles"]["properties"]
    assert set(PLATFORMS) <= set(roles)


def test_the_values_are_valid_and_complete() -> None:
    schema, values = json.loads(text(SCHEMA)), yaml.safe_load(text(VALUES))
    jsonschema.validate(values, schema)
    assert set(values) == set(schema["properties"]) - {"global"}
    assert set(values["defaults"]) == set(schema["definitions"]["role"]["properties"])


def expressions() -> list[str]:
    alerts = yaml.safe_load(text(Path("files/alerts.yaml")))
    panels = json.loads(text(Path("files/dashboard.json")))["panels"]
    rules = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    return [*rules, *(target["expr"] for panel in panels for target in panel["targets"])]


@pytest.mark.parametrize("expression", expressions())
def test_alerts_and_panels_ask_for_metrics_that_exist(expression: str) -> None:
    exposed = {
        f"{PREFIX}{name}{ending}"
        for name in vars(names)
        for ending in ("", "_bucket", "_sum", "_count")
    }
    asked = set(re.findall(r"\bticketing_\w+", expression))
    assert asked
    assert asked <= exposed
