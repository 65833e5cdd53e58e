"""The projects, people and choices that Jira knows, and the paths that list them."""

from __future__ import annotations

from aiohttp import web

from ticketing.sandbox.jira import credentials
from ticketing.sandbox.jira.access import authorize, is_cloud
from ticketing.sandbox.jira.answers import refuse
from ticketing.sandbox.platform import Call

PROJECTS = {credentials.PROJECT: "10000", "SEC": "10001"}
ISSUE_TYPES = {"Incident": "10001", "Task": "10002", "Bug": "10003"}
PRIORITIES = {"Highest": "1", "High": "2", "Medium": "3", "Low": "4", "Lowest": "5"}
RESOLUTIONS = {"Done": "10000", "Won't Do": "10001", "Duplicate": "10002"}
ACCOUNTS = {"5b10a2844c20165700ede21g": "alice", "5b10ac8d82e05b22cc7d4ef5": "bob"}
"""Account ids on Cloud, and the same people's user names on Data Center."""
DEFAULT_ASSIGNEE = "5b10a2844c20165700ede21g"
PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "TRANSITION_ISSUES",
    "ADD_COMMENTS",
    "ASSIGN_ISSUES",
)
"""The permissions in Data Center's answer, whatever the call asks for."""


def rows(known: dict[str, str]) -> list[dict[str, str]]:
    """Known names and ids as a list of objects."""
    return [{"id": number, "name": name} for name, number in known.items()]


def project_of(call: Call) -> str:
    """The key of the project in the path, which has a key or an id."""
    wanted = call.params["project"]
    for key, number in PROJECTS.items():
        if wanted in (key, number):
            return key
    refuse(404, f"No project could be found with key '{wanted}'.")


def server_info(call: Call) -> web.Response:
    """GET serverInfo: tells Cloud from Data Center, also without authentication."""
    cloud = is_cloud(call)
    return web.json_response(
        {
            "baseUrl": call.base_url,
            "version": "1001.0.0" if cloud else "10.3.0",
            "deploymentType": "Cloud" if cloud else "Server",
            "serverTitle": "Sandbox",
        }
    )


def myself(call: Call) -> web.Response:
    """GET myself: our own account."""
    authorize(call)
    account = (
        {"accountId": DEFAULT_ASSIGNEE, "accountType": "atlassian"}
        if is_cloud(call)
        else {"name": "bot", "key": "bot"}
    )
    more = {"emailAddress": credentials.USER, "displayName": "Bot", "active": True}
    return web.json_response({**account, **more})


def permissions(call: Call) -> web.Response:
    """GET mypermissions: our account has every permission."""
    authorize(call)
    wanted = [name for name in call.query.get("permissions", "").split(",") if name]
    if not is_cloud(call):
        wanted = list(PERMISSIONS)
    elif not wanted:
        refuse(400, "The 'permissions' query parameter is required.")
    key = call.query.get("projectKey")
    if key is not None and key not in PROJECTS:
        refuse(404, f"No project could be found with key '{key}'.")
    found = {name: {"key": name, "name": name, "havePermission": True} for name in wanted}
    return web.json_response({"permissions": found})


def project(call: Call) -> web.Response:
    """GET project/{project}."""
    authorize(call)
    key = project_of(call)
    found = {"id": PROJECTS[key], "key": key, "name": key, "issueTypes": rows(ISSUE_TYPES)}
    return web.json_response(found)


def priorities(call: Call) -> web.Response:
    """GET priority."""
    authorize(call)
    return web.json_response(rows(PRIORITIES))


def resolutions(call: Call) -> web.Response:
    """GET resolution."""
    authorize(call)
    return web.json_response(rows(RESOLUTIONS))
