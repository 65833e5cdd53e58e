"""OpsGenie, and Jira Service Management operations: alerts by alias, with who is on call."""
