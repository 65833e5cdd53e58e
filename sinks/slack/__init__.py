"""Slack: a message per incident with a thread of its steps, or an incoming webhook."""
