"""The calls of the vendors' published descriptions that we may make, and what belongs to them.

`{}` in a path stands for one segment. `?name` may be in the query, and nothing else. Of a body:
`name!` must be there, others may be, and with `...` any other too; where no field is named there is
no body. The numbers are the statuses of success.
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
CLOUD_SEARCH = "jql fields maxResults nextPageToken reconcileIssues properties expand"
ROW = "?sysparm_fields ?sysparm_exclude_reference_link"
PAGE = "?oldest ?latest ?inclusive ?cursor ?limit"
ZAMMAD_TICKET = "title group state priority owner customer customer_id tags article"

CALLS: dict[str, str] = {
    "pagerduty": """
        POST /v2/enqueue routing_key! event_action! dedup_key payload links images client client_url 202
        GET /abilities 200
        GET /users/me 200
        GET /incidents ?date_range ?incident_key ?service_ids[] ?statuses[] ?limit ?offset 200
        GET /incidents/{} 200
        PUT /incidents/{} incident! 200
        GET /incidents/{}/notes 200
        POST /incidents/{}/notes note! 200
        POST /incidents/{}/status_updates message! 200
        GET /incidents/{}/alerts ?alert_key ?statuses[] ?limit ?offset 200
        GET /escalation_policies ?query ?limit ?offset 200
        GET /escalation_policies/{} 200
        GET /priorities ?limit ?offset 200
        GET /users ?query ?limit ?offset 200
        GET /oncalls ?escalation_policy_ids[] ?limit ?offset 200
    """,
    "jira": f"""
        GET /serverInfo 200
        GET /myself 200
        GET /rest/api/2/mypermissions ?projectKey ?projectId ?issueKey ?issueId 200
        GET /rest/api/3/mypermissions ?projectKey ?projectId ?issueKey ?issueId ?permissions 200
        GET /project/{{}} ?expand 200
        GET /priority 200
        GET /resolution 200
        GET /field 200
        GET /issue/createmeta/{{}}/issuetypes ?startAt ?maxResults 200
        GET /issue/createmeta/{{}}/issuetypes/{{}} ?startAt ?maxResults 200
        POST /issue fields! update properties historyMetadata transition 201
        POST /rest/api/3/search/jql {CLOUD_SEARCH} 200
        POST /rest/api/2/search jql fields maxResults startAt properties expand validateQuery 200
        GET /issue/{{}} ?fields ?properties ?expand 200
        PUT /issue/{{}} fields update properties 204
        GET /issue/{{}}/comment ?startAt ?maxResults ?orderBy ?expand 200
        POST /issue/{{}}/comment body! visibility properties 201
        PUT /issue/{{}}/assignee accountId name 204
        GET /issue/{{}}/transitions ?expand ?transitionId 200
        POST /issue/{{}}/transitions transition! fields update 204
        GET /issue/{{}}/remotelink ?globalId 200
        POST /issue/{{}}/remotelink object! globalId application relationship 200 201
        GET /issue/{{}}/properties/{{}} 200
        PUT /issue/{{}}/properties/{{}} ... 200 201
    """,
    "servicenow": f"""
        POST /oauth_token.do grant_type! client_id client_secret username password refresh_token 200
        GET /api/now/table/{{}} ?sysparm_query ?sysparm_limit {ROW} 200
        GET /api/now/table/{{}}/{{}} {ROW} 200
        POST /api/now/table/{{}} {ROW} ... 201
        PATCH /api/now/table/{{}}/{{}} {ROW} ... 200
    """,
    "opsgenie": f"""
        POST /v2/alerts {OPSGENIE_ALERT} 202
        GET /v2/alerts ?query ?limit ?offset ?sort ?order 200
        GET /v2/alerts/{{}} ?identifierType 200
        GET /v2/alerts/requests/{{}} 200
        POST /v2/alerts/{{}}/acknowledge ?identifierType {GENIE} 202
        POST /v2/alerts/{{}}/unacknowledge ?identifierType {GENIE} 202
        POST /v2/alerts/{{}}/close ?identifierType {GENIE} 202
        GET /v2/alerts/{{}}/notes ?identifierType ?limit ?order ?offset ?direction 200
        POST /v2/alerts/{{}}/notes ?identifierType note! user source 202
        POST /v2/alerts/{{}}/escalate ?identifierType escalation! {GENIE} 202
        POST /v2/alerts/{{}}/responders ?identifierType responder! {GENIE} 202
        PUT /v2/alerts/{{}}/message ?identifierType message! 202
        PUT /v2/alerts/{{}}/description ?identifierType description! 202
        PUT /v2/alerts/{{}}/priority ?identifierType priority! 202
        GET /v2/teams/{{}} ?identifierType 200
        GET /v2/escalations/{{}} ?identifierType 200
        GET /v2/schedules/{{}} ?identifierType 200
        GET /v2/schedules/{{}}/on-calls ?scheduleIdentifierType ?flat ?date 200
        POST /jsm/ops/integration/v2/alerts {OPSGENIE_ALERT} 202
        GET /jsm/ops/integration/v2/alerts/requests/{{}} 200
        POST /jsm/ops/integration/v2/alerts/{{}}/acknowledge ?identifierType {GENIE} 202
        POST /jsm/ops/integration/v2/alerts/{{}}/close ?identifierType {GENIE} 202
        POST /jsm/ops/integration/v2/alerts/{{}}/notes ?identifierType note! user source 202
        GET /jsm/ops/api/{{}}/v1/alerts ?query ?size ?offset ?sort ?order 200
        GET /jsm/ops/api/{{}}/v1/alerts/{{}} 200
        GET /jsm/ops/api/{{}}/v1/alerts/requests/{{}} 200
        GET /jsm/ops/api/{{}}/v1/alerts/{{}}/notes ?after ?size 200
        POST /jsm/ops/api/{{}}/v1/alerts/{{}}/unacknowledge 202
        POST /jsm/ops/api/{{}}/v1/alerts/{{}}/escalate escalationId! 202
        PATCH /jsm/ops/api/{{}}/v1/alerts/{{}}/message message! 202
        PATCH /jsm/ops/api/{{}}/v1/alerts/{{}}/description description! 202
        PATCH /jsm/ops/api/{{}}/v1/alerts/{{}}/priority priority! 202
        GET /jsm/ops/api/{{}}/v1/teams 200
        GET /jsm/ops/api/{{}}/v1/teams/{{}}/escalations ?offset ?size 200
        GET /jsm/ops/api/{{}}/v1/schedules ?query ?offset ?size ?expand 200
        GET /jsm/ops/api/{{}}/v1/schedules/{{}}/on-calls ?flat ?date 200
    """,
    "slack": f"""
        POST /services/{{}}/{{}}/{{}} text blocks attachments unfurl_links unfurl_media 200
        GET /api/auth.test 200
        POST /api/chat.postMessage channel! text blocks metadata thread_ts reply_broadcast ... 200
        POST /api/chat.update channel! ts! text blocks metadata ... 200
        GET /api/chat.getPermalink ?channel ?message_ts 200
        GET /api/conversations.history ?channel ?include_all_metadata {PAGE} 200
        GET /api/conversations.replies ?channel ?ts ?include_all_metadata {PAGE} 200
        GET /api/conversations.info ?channel 200
        GET /api/conversations.list ?types ?exclude_archived ?cursor ?limit 200
        POST /api/conversations.join channel! 200
    """,
    "zammad": f"""
        GET /api/v1/users/me 200
        GET /api/v1/users/search ?query ?limit 200
        GET /api/v1/groups 200
        GET /api/v1/ticket_states 200
        GET /api/v1/ticket_priorities 200
        POST /api/v1/tickets title! group! article! {ZAMMAD_TICKET} 201
        POST /api/v1/tickets/search condition! limit 200
        GET /api/v1/tickets/{{}} 200
        PUT /api/v1/tickets/{{}} {ZAMMAD_TICKET} 200
        GET /api/v1/tags ?object ?o_id 200
        GET /api/v1/ticket_articles/by_ticket/{{}} 200
        POST /api/v1/ticket_articles ticket_id! {ZAMMAD_ARTICLE} 201
    """,
}
REFUSALS: dict[str, frozenset[int]] = {
    "pagerduty": frozenset({400, 401, 402, 403, 404, 413, 429}),
    "jira": frozenset({400, 401, 403, 404, 409, 410, 413, 429}),
    "servicenow": frozenset({400, 401, 403, 404, 429}),
    "opsgenie": frozenset({401, 403, 404, 422, 429}),
    "slack": frozenset({400, 403, 404, 410, 429}),
    "zammad": frozenset({401, 403, 404, 422, 429}),
}
"""The statuses with which a vendor refuses a call, whichever it is."""
VERSIONED = re.compile(r"/rest/api/[23]/")
"""How a call of Jira begins that only one of its versions has."""


def unfit(line: Mapping[str, Any]) -> Iterator[str]:
    """What in a recorded request, or in its answer, its vendor's description does not have."""
    platform, path = line["platform"], line["path"]
    said = f"{line['method']} {path}"
    for call in CALLS[platform].strip().splitlines():
        method, template, *parts = call.split()
        words = (re.escape(word) for word in template.split("{}"))
        prefix = "/rest/api/[23]" if platform == "jira" and not VERSIONED.match(template) else ""
        if method == line["method"] and re.fullmatch(prefix + "[^/]+".join(words), path):
            yield from (f"{said}: {fault}" for fault in _faults(line, parts))
            return
    yield f"{said} is no call of {platform}"


def _faults(line: Mapping[str, Any], parts: list[str]) -> Iterator[str]:
    asked = {part[1:] for part in parts if part.startswith("?")}
    yield from (f"?{name} is unknown" for name in sorted(line["query"].keys() - asked))
    known = {int(part) for part in parts if part.isdecimal()} | REFUSALS[line["platform"]]
    if line["status"] not in known:
        yield f"status {line['status']} is unknown"
    fields = [part for part in parts if not part.startswith("?") and not part.isdecimal()]
    yield from _faults_of_body(line["body"], fields)


def _faults_of_body(body: Any, fields: list[str]) -> Iterator[str]:
    if not fields and body is not None:
        yield "there is no body"
        return
    given = {} if body is None else body
    if not isinstance(given, dict):
        yield "the body is no object"
        return
    required = [name[:-1] for name in fields if name.endswith("!")]
    yield from (f"{name} is missing" for name in required if name not in given)
    known = {name.rstrip("!") for name in fields}
    if "..." not in known:
        yield from (f"{name} is unknown" for name in sorted(given.keys() - known))
