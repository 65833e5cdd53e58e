"""Anomalies counted exactly, by tenant, service and error pattern."""
