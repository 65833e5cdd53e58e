"""The catalog of services, from settings and from a file in Backstage's form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sinks.text.services import Services
from ticketing.config import validate
from ticketing.config.catalog import Service, read_file, services_of
from ticketing.config.link_template import NOT_A_LINK, NOT_ITS_HOST, LinkTemplate, link_fault
from ticketing.config.template_names import FULL
from ticketing.errors import Misconfigured

FILE = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: checkout
  annotations:
    ticketing-agent/ci: Checkout Service
    ticketing-agent/group: Payments Ops
  links:
    - {url: "https://wiki.example/checkout", title: Run Book}
    - {url: "https://charts.example/checkout", title: "Dashboard (live)"}
    - {url: "javascript:alert(1)", title: Bad}
    - {url: "https://{{ service }}.example", title: Template}
spec:
  owner: group:default/payments
---
kind: Group
metadata: {name: payments}
---
kind: Component
metadata: {name: cart}
spec: {owner: "user:default/ada"}
---
- not
- an entity
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "catalog-info.yaml"
    path.write_text(FILE)
    return path


def test_backstages_form_is_read(file: Path) -> None:
    found = read_file(file)
    assert found["checkout"] == Service(
        team="payments",
        owner="payments",
        ci="Checkout Service",
        group="Payments Ops",
        links={
            "runbook": "https://wiki.example/checkout",
            "Dashboard live": "https://charts.example/checkout",
        },
    )
    assert found["cart"] == Service(owner="ada")
    assert set(found) == {"checkout", "cart"}


@pytest.mark.parametrize(
    ("title", "name"),
    [("Board²", "Board"), ("① Logs_1", "Logs 1"), ("jira", "Jira"), ("console", "Console")],
)
def test_any_title_of_the_file_gives_a_name_of_its_own(
    tmp_path: Path, title: str, name: str
) -> None:
    path = tmp_path / "catalog.yaml"
    link = f'{{title: "{title}", url: "https://a.example"}}'
    path.write_text(f"kind: Component\nmetadata: {{name: cart, links: [{link}]}}")
    assert read_file(path)["cart"].links == {name: "https://a.example"}


@pytest.mark.parametrize("kinds", [["Component", "API", "System"], ["API", "System", "Component"]])
def test_a_component_wins_over_others_of_its_name(tmp_path: Path, kinds: list[str]) -> None:
    path = tmp_path / "catalog.yaml"
    entities = [f"kind: {k}\nmetadata: {{name: cart}}\nspec: {{owner: {k}-team}}" for k in kinds]
    path.write_text("\n---\n".join(entities))
    assert read_file(path)["cart"].team == "Component-team"


def test_a_setting_wins_over_the_file(file: Path) -> None:
    own = {"team": "sre", "links": {"runbook": "https://ours.example"}}
    given = {"checkout": Service.model_validate(own), "new": Service(ci="x")}
    services = services_of(file, given)
    checkout = services["checkout"]
    assert (checkout.team, checkout.group) == ("sre", "Payments Ops")
    assert checkout.links["runbook"] == "https://ours.example"
    assert "Dashboard live" in checkout.links
    assert services["new"].ci == "x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is not valid YAML in line"),
        ("kind: Group\nmetadata: {name: x}", 'has no entity such as "kind: Component"'),
        ("\xff", "is not UTF-8"),
        ("kind: Component\nmetadata: {name: x, since: 2026-13-45}", "is not valid YAML"),
        ("kind: Component\nmetadata: {name: x, size: !!int ''}", "is not valid YAML"),
        (None, 'file not found: "'),
    ],
)
def test_a_bad_file_is_named_at_the_start(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "catalog.yaml"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(Misconfigured) as caught:
        validate({"catalog": {"file": str(path)}})
    assert f"catalog.file: {said}" in str(caught.value).replace(f"{path}: ", "")


@pytest.mark.parametrize(
    ("given", "key", "said"),
    [
        ({"links": {"runbook": "wiki/x"}}, "links.runbook", NOT_A_LINK),
        ({"links": {"runbook": "https://{{ tenant }}.example"}}, "links.runbook", NOT_ITS_HOST),
        ({"links": {"logs": "{{ servce }}"}}, "links.logs", '"servce" is not a name here'),
        ({"links": {"jira": "https://x.example"}}, "links.jira", "is the name of a link"),
        ({"picture": "ftp://x.example"}, "picture", NOT_A_LINK),
        (
            {"catalog": {"services": {"cart": {"links": {"runbook": "x"}}}}},
            "catalog.services.cart.links.runbook",
            NOT_A_LINK,
        ),
    ],
)
def test_a_bad_link_is_refused_by_its_key(given: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        validate(given)
    assert f"{key}: {said}" in str(caught.value)


def test_the_runbook_of_the_service_stands_first() -> None:
    config = validate(
        {
            "links": {"logs": "https://logs.example", "runbook": "https://wiki.example/all"},
            "catalog": {"services": {"cart": {"links": {"runbook": "https://wiki.example/cart"}}}},
        }
    )
    services = Services.of(config)
    assert list(services.links("cart", FULL).items()) == [
        ("runbook", "https://wiki.example/cart"),
        ("logs", "https://logs.example"),
    ]
    assert services.links("checkout", FULL)["runbook"] == "https://wiki.example/all"


@pytest.mark.parametrize("service", ["a b", 'x"|<>{}[]`\\^', "é漢字", "x\ny", "?#&"])
def test_an_address_holds_no_mark_up(service: str) -> None:
    url = LinkTemplate("https://x.example/{{ service }}").url({**FULL, "service": service})
    assert url.startswith("https://x.example/")
    assert not set(url) & set(' "<>|{}[]`\\^\n')


@pytest.mark.parametrize("service", [".evil.example", "@evil.example", ":99/x", "\\@evil.example"])
def test_no_value_chooses_the_host(service: str) -> None:
    template = LinkTemplate(
        "https://x.example{% if service != 'checkout' %}{{ service }}{% endif %}"
    )
    assert template.url({**FULL, "service": service}) == ""


def test_a_link_may_be_missing_for_some_incidents() -> None:
    source = "{% if trace_ids %}https://x.example/{{ trace_ids[0] }}{% endif %}"
    assert link_fault(source) is None
    assert LinkTemplate(source).url({**FULL, "trace_ids": []}) == ""
    assert LinkTemplate(source).url(FULL).endswith(FULL["trace_ids"][0])
