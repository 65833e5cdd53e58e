"""OpenTelemetry traces of the job's own work, from a record to the call of a platform."""
