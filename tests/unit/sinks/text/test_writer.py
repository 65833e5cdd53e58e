"""The text of a ticket, in default words and by the configuration's own templates."""

from __future__ import annotations

from typing import Any

import pytest
from support.incidents import ticketed

from sinks.text.services import Services
from sinks.text.writer import BODY_TEMPLATE, TITLE_TEMPLATE, Writer, writer_for
from ticketing.config import validate
from ticketing.config.template_names import NAMES, fault
from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Failure, Kind, Ticket
from ticketing.domain.signals import Sample
from ticketing.domain.traces.findings import BlastRadius, Findings
from ticketing.errors import Misconfigured

SUMMARY = Summary(
    incident_id="i",
    revision=1,
    generated_by="rules",
    title="t",
    text="The database is gone.",
    root_cause="a full disk",
    impact="nobody can pay",
    steps=["free some space"],
)


def test_the_default_body_says_what_where_since_how_many_and_why() -> None:
    body = Writer("slack", console="https://ours.example/").body(
        ticketed(
            environment="production",
            count=1234,
            affected_services=["checkout", "cart"],
            endpoints=["POST /pay"],
            samples=[Sample(at=991.0, level="ERROR", message="payment 17 timed out")],
            tickets={"jira": Ticket(platform="jira", url="https://jira.example/browse/OPS-1")},
            summary=SUMMARY,
        )
    )
    assert body.splitlines() == [
        "Likely cause: a full disk",
        "Blast radius: 1 more service: cart; at POST /pay",
        "Impact: nobody can pay",
        "Where: checkout, in production",
        "Since: 1970-01-01 00:16:30 UTC",
        "How many: 1,234 anomalies, highest score 0.95",
        "",
        "Next steps:",
        "- free some space",
        "",
        "Links:",
        "console: https://ours.example/#/incidents/c5d1bda465e832da-0123456789abcdef",
        "jira: https://jira.example/browse/OPS-1",
        "",
        "Evidence:",
        "1970-01-01 00:16:31 UTC ERROR payment 17 timed out",
        "",
        "The database is gone.",
        "",
        "Details:",
        "Status: open",
        "Last seen: 1970-01-01 00:16:39 UTC",
        "Tenant: acme",
        "Error pattern: Payment <*> timed out",
        "Incident: c5d1bda465e832da-0123456789abcdef",
    ]


def test_what_traces_say_stands_in_the_blast_radius_and_the_causal_chain() -> None:
    findings = Findings(
        since=1.0,
        until=2.0,
        traces=3,
        affected_services=["checkout", "web"],
        blast_radius=BlastRadius(requests=200, failing_share=0.4, failing_share_before=0.01),
        causal_chain=["db: slow", "checkout POST /pay fails"],
    )
    facts = dict(Writer("jira").text(ticketed(correlation=findings)).all_facts)
    assert facts["Blast radius"] == "1 more service: web; 40% of requests fail, 1% before"
    assert facts["Causal chain"] == "db: slow → checkout POST /pay fails"


def test_the_default_templates_pass_the_check_of_any_other() -> None:
    assert fault(TITLE_TEMPLATE) is None
    assert fault(BODY_TEMPLATE) is None


def test_every_name_has_a_value_for_every_kind_of_incident() -> None:
    lists = {"affected", "endpoints", "next_steps", "evidence", "trace_ids", "notes"}
    lists |= {"escalated_to", "links", "facts", "needed", "details"}
    source = " ".join(f"{{{{ {n}{'|length' if n in lists else ''} }}}}" for n in NAMES)
    for kind in Kind:
        assert (
            Writer("jira", body_template=source).body(ticketed(kind=kind)).startswith("high open")
        )


def test_templates_of_the_configuration_are_used() -> None:
    config = validate(
        {
            "slack": {
                "titleTemplate": "{{ service }}\n{{ count }}",
                "bodyTemplate": "{{ headline }} {{ url }}",
            },
            "web": {"publicUrl": "https://ours.example"},
        }
    )
    writer = writer_for(config, "slack")
    assert writer.title(ticketed()) == "checkout 3"
    assert writer.text(ticketed()).title == "checkout 3"
    assert writer.body(ticketed()).startswith(
        "checkout 3 https://ours.example/#/incidents/c5d1bda465e832da-"
    )
    assert writer.own_body
    assert not writer_for(config, "jira").own_body


def test_a_fallback_ticket_says_why_it_got_the_page() -> None:
    failure = Failure(
        platform="pagerduty",
        reason="rejected",
        text="pagerduty rejected it: credentials: HTTP 401",
        at=1.0,
    )
    failed = ticketed(failures=[failure])
    assert Writer("slack").body(failed).startswith(f"! {failure.text}\n\n")
    assert Writer("slack").text(failed).notes == [failure.text]
    assert Writer("pagerduty").text(failed).notes == []


def test_a_title_is_one_line_within_its_limit_whatever_the_template() -> None:
    assert len(Writer("jira", "{{ title }}").title(ticketed(title="x" * 999))) == 200
    assert Writer("jira", "{{ tenant }}").title(ticketed(tenant="")) == (
        "[HIGH] checkout: Payment 17 timed out"
    )


def test_a_template_that_fails_at_last_gives_way_to_the_default_words() -> None:
    writer = Writer("jira", body_template="{{ 1 / (3 - count) }}")
    assert "Where: checkout" in writer.body(ticketed(count=3))


@pytest.mark.parametrize("key", ["titleTemplate", "bodyTemplate"])
def test_a_bad_template_is_found_at_start_by_its_key(key: str) -> None:
    given: dict[str, Any] = {"zammad": {key: "{{ servcie }}"}, "jira": {key: "{% if %}"}}
    with pytest.raises(Misconfigured) as caught:
        validate(given)
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [
        f"jira.{key}",
        f"zammad.{key}",
    ]
    assert '"servcie" is not a name here; did you mean "service"?' in str(caught.value)


def test_a_writer_refuses_a_bad_template() -> None:
    with pytest.raises(Misconfigured, match=r"jira\.titleTemplate: .* is not a name here"):
        Writer("jira", "{{ nothing }}")


def test_links_together_leave_room_for_the_ticket() -> None:
    links = {f"link {n}": f"https://{n}.example/{'x' * 1500}" for n in range(9)}
    links |= {"short": "https://short.example"}
    text = Writer("jira", services=Services(links=links)).text(ticketed())
    assert list(text.links) == ["link 0", "link 1", "short"]
    assert text.own == tuple(text.links)
