"""A ticket's address leads to its platform, or is none."""

from __future__ import annotations

import pytest

from ticketing.domain.incidents.addresses import leads_there

PLACES = ["https://acme.atlassian.net/jira", "https://*.pagerduty.com", "http://127.0.0.1:8080"]


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.atlassian.net/jira/browse/OPS-1",
        "https://acme.atlassian.net/jira",
        "https://ACME.atlassian.net:443/jira/browse/OPS-1?focused=1#top",
        "https://acme.eu.pagerduty.com/incidents/Q1",
        "http://127.0.0.1:8080/#ticket/zoom/7",
    ],
)
def test_an_address_of_the_platform_is_shown(url: str) -> None:
    assert leads_there(url, PLACES)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "OPS-1",
        "https://evil.example/jira/browse/OPS-1",
        "https://acme.atlassian.net.evil.example/jira/browse/OPS-1",
        "https://acme.atlassian.net@evil.example/jira/x",
        "https://evil.example\\@acme.atlassian.net/jira/x",
        "https://acme.atlassian.net\\.evil.example/jira/x",
        "https://user@acme.atlassian.net/jira/x",
        "https://acme.atlassian.net/jiraffe",
        "https://acme.atlassian.net/jira/../login?to=evil",
        "https://acme.atlassian.net/jira/%2e%2e/login",
        "https://acme.atlassian.net:8443/jira/x",
        "http://acme.atlassian.net/jira/x",
        "https://evilpagerduty.com/x",
        "https://pagerduty.com.evil.example/x",
        "javascript:alert(1)//acme.atlassian.net/jira",
        "//acme.atlassian.net/jira/x",
        "https://acme.atlassian.net/jira/\u202ex",
        "https://acme.atlassian.net/jira/x|OPS-1",
        "https://acme.atlassian.net/jira/x><https://evil.example",
        'https://acme.atlassian.net/jira/x"onclick=y',
        "https://acme.atlassian.net/jira/..;/login",
        "https://acme.atlassian.net/jira/%252e%252e/login",
        "https://evil.example%2f.pagerduty.com/x",
        "https://.pagerduty.com/x",
        "https://[::1/jira",
        "https://acme.atlassian.net:99999/jira/x",
    ],
)
def test_any_other_address_is_not(url: str) -> None:
    assert not leads_there(url, PLACES)
    assert not leads_there(url, [])
