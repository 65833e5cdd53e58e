"""The JSON Schema takes what a start takes, and refuses what no start takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ticketing.config.json_schema import document
from ticketing.config.model import Config
from ticketing.config.schema import is_section, settings
from ticketing.config.secrets import public

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = document()
EXAMPLES = [
    block
    for page in sorted(DOCS.glob("*.md"))
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if set(yaml.safe_load(block)) <= set(SCHEMA["properties"])
]


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_every_setting_stands_in_the_schema_with_its_text() -> None:
    for setting in settings(Config):
        found = SCHEMA
        for key in setting.path:
            found = next(iter(found.get("anyOf", [found])))["properties"][key]
        assert found["description"], setting.dotted


def test_the_defaults_are_valid() -> None:
    jsonschema.validate(public(Config()), SCHEMA)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_documentation_are_valid(example: str) -> None:
    jsonschema.validate(yaml.safe_load(example), SCHEMA)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize(
    "given",
    [
        {"groupWait": "30s", "escalateAfter": {"critical": "15m", "low": "off"}},
        {"autoResolveAfter": False, "retention": "30d", "reopenWindow": 60},
        {
            "anomaly": {
                "minimumCount": {"high": 3, "services": {"batch": {"critical": 2}, "web": 1}}
            }
        },
        {"input": {"fields": "ecs"}},
        {"servicenow": {"urgencyMapping": {"critical": 1, "high": "2"}}},
        {"jira": {"baseUrl": "", "customFields": {"Team": ["a"]}}, "slack": None},
    ],
)
def test_short_forms_are_valid(given: dict[str, Any]) -> None:
    jsonschema.validate(given, SCHEMA)


@pytest.mark.parametrize(
    "given",
    [
        {"anomly": {}},
        {"anomaly": {"minimumScor": 0.5}},
        {"anomaly": {"minimumScore": "high"}},
        {"anomaly": {"minimumScore": 1.5}},
        {"anomaly": {"lookbackWindow": "15 parsecs"}},
        {"kafka": {"partitions": 0}},
        {"kafka": {"partitions": 1.5}},
        {"kafka": {"securityProtocol": "TLS"}},
        {"routing": {"critical": ["pagerdooty"]}},
        {"routing": {"urgent": ["slack"]}},
        {"pagerduty": {"enabled": "yes"}},
        {"jira": {"priorityMapping": {"urgent": "High"}}},
        {"llm": {"providers": [{"provider": "openai", "modle": "x"}]}},
    ],
)
def test_nonsense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(given, SCHEMA)


def test_groups_are_closed() -> None:
    for setting in settings(Config):
        if is_section(setting.annotation) and not setting.field.metadata:
            found = SCHEMA
            for key in setting.path:
                found = next(iter(found.get("anyOf", [found])))["properties"][key]
            assert next(iter(found.get("anyOf", [found])))["additionalProperties"] is False
