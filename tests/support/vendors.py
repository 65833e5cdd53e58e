"""The calls of the vendors' published descriptions that we may make, with their bodies' fields.

`{}` in a path stands for one segment. Of a body: `name!` must be there, others may be, and with
`...` any other too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

GENIE = "user note source"
OPSGENIE_ALERT = (
    f"message! alias description responders visibleTo actions tags details entity priority {GENIE}"
)
ZAMMAD_ARTICLE = "subject body! type internal content_type sender"
ZAMMAD_TICKET = "title group state priority owner customer customer_id tags article"

CALLS: dict[str, str] = {
    "pagerduty": """
        POST /v2/enqueue routing_key event_action! dedup_key payload links images client client_url
        GET /abilities
        GET /users/me
        GET /incidents
        GET /incidents/{}
        PUT /incidents/{} incident!
        GET /incidents/{}/notes
        POST /incidents/{}/notes note!
        GET /incidents/{}/alerts
        GET /escalation_policies
        GET /escalation_policies/{}
        GET /priorities
        GET /users
        GET /oncalls
    """,
    "jira": """
        GET /serverInfo
        GET /myself
        GET /mypermissions
        GET /project/{}
        GET /priority
        GET /resolution
        GET /field
        GET /issue/createmeta/{}/issuetypes
        GET /issue/createmeta/{}/issuetypes/{}
        POST /issue fields! update properties historyMetadata transition
        POST /search/jql jql fields maxResults nextPageToken reconcileIssues properties expand
        POST /search jql fields maxResults startAt properties expand validateQuery
        GET /issue/{}
        PUT /issue/{} fields update properties
        GET /issue/{}/comment
        POST /issue/{}/comment body! visibility properties
        PUT /issue/{}/assignee accountId name
        GET /issue/{}/transitions
        POST /issue/{}/transitions transition! fields update
        GET /issue/{}/remotelink
        POST /issue/{}/remotelink object! globalId application relationship
        GET /issue/{}/properties/{}
        PUT /issue/{}/properties/{} ...
    """,
    "servicenow": """
        POST /oauth_token.do grant_type! client_id client_secret username password refresh_token
        GET /api/now/table/{}
        GET /api/now/table/{}/{}
        POST /api/now/table/{} ...
        PATCH /api/now/table/{}/{} ...
    """,
    "opsgenie": f"""
        POST /v2/alerts {OPSGENIE_ALERT}
        GET /v2/alerts
        GET /v2/alerts/{{}}
        GET /v2/alerts/requests/{{}}
        POST /v2/alerts/{{}}/acknowledge {GENIE}
        POST /v2/alerts/{{}}/unacknowledge {GENIE}
        POST /v2/alerts/{{}}/close {GENIE}
        GET /v2/alerts/{{}}/notes
        POST /v2/alerts/{{}}/notes note! user source
        POST /v2/alerts/{{}}/escalate escalation! {GENIE}
        POST /v2/alerts/{{}}/responders responder! {GENIE}
        PUT /v2/alerts/{{}}/message message!
        PUT /v2/alerts/{{}}/description description!
        PUT /v2/alerts/{{}}/priority priority!
        GET /v2/teams/{{}}
        GET /v2/escalations/{{}}
        GET /v2/schedules/{{}}
        GET /v2/schedules/{{}}/on-calls
        POST /jsm/ops/integration/v2/alerts {OPSGENIE_ALERT}
        GET /jsm/ops/integration/v2/alerts/requests/{{}}
        POST /jsm/ops/integration/v2/alerts/{{}}/acknowledge {GENIE}
        POST /jsm/ops/integration/v2/alerts/{{}}/close {GENIE}
        POST /jsm/ops/integration/v2/alerts/{{}}/notes note! user source
        GET /jsm/ops/api/{{}}/v1/alerts
        GET /jsm/ops/api/{{}}/v1/alerts/{{}}
        GET /jsm/ops/api/{{}}/v1/alerts/requests/{{}}
        GET /jsm/ops/api/{{}}/v1/alerts/{{}}/notes
        POST /jsm/ops/api/{{}}/v1/alerts/{{}}/unacknowledge
        POST /jsm/ops/api/{{}}/v1/alerts/{{}}/escalate escalationId!
        PATCH /jsm/ops/api/{{}}/v1/alerts/{{}}/message message!
        PATCH /jsm/ops/api/{{}}/v1/alerts/{{}}/description description!
        PATCH /jsm/ops/api/{{}}/v1/alerts/{{}}/priority priority!
        GET /jsm/ops/api/{{}}/v1/teams
        GET /jsm/ops/api/{{}}/v1/teams/{{}}/escalations
        GET /jsm/ops/api/{{}}/v1/schedules
        GET /jsm/ops/api/{{}}/v1/schedules/{{}}/on-calls
    """,
    "slack": """
        POST /services/{}/{}/{} text blocks attachments unfurl_links unfurl_media
        GET /api/auth.test
        POST /api/auth.test ...
        POST /api/chat.postMessage channel! text blocks metadata thread_ts reply_broadcast ...
        POST /api/chat.update channel! ts! text blocks metadata ...
        GET /api/chat.getPermalink
        GET /api/conversations.history
        GET /api/conversations.replies
        GET /api/conversations.info
        GET /api/conversations.list
        POST /api/conversations.join channel!
    """,
    "zammad": f"""
        GET /api/v1/users/me
        GET /api/v1/users/search
        GET /api/v1/groups
        GET /api/v1/ticket_states
        GET /api/v1/ticket_priorities
        POST /api/v1/tickets title! group! article! {ZAMMAD_TICKET}
        POST /api/v1/tickets/search condition! limit
        GET /api/v1/tickets/{{}}
        PUT /api/v1/tickets/{{}} {ZAMMAD_TICKET}
        GET /api/v1/tags
        GET /api/v1/ticket_articles/by_ticket/{{}}
        POST /api/v1/ticket_articles ticket_id! {ZAMMAD_ARTICLE}
    """,
}
PREFIXES = {"jira": r"/rest/api/[23]"}


def unfit(line: Mapping[str, Any]) -> Iterator[str]:
    """What in a recorded request its vendor's description does not have."""
    platform, path, body = line["platform"], line["path"], line["body"]
    said = f"{line['method']} {path}"
    for call in CALLS[platform].strip().splitlines():
        method, template, *fields = call.split()
        words = (re.escape(word) for word in template.split("{}"))
        pattern = PREFIXES.get(platform, "") + "[^/]+".join(words)
        if method == line["method"] and re.fullmatch(pattern, path):
            yield from (f"{said}: {fault}" for fault in _faults(body, fields))
            return
    yield f"{said} is no call of {platform}"


def _faults(body: Any, fields: list[str]) -> Iterator[str]:
    given = {} if body is None else body
    if not isinstance(given, dict):
        yield "the body is no object"
        return
    required = [name[:-1] for name in fields if name.endswith("!")]
    yield from (f"{name} is missing" for name in required if name not in given)
    known = {name.rstrip("!") for name in fields}
    if "..." not in known:
        yield from (f"{name} is unknown" for name in given.keys() - known)
