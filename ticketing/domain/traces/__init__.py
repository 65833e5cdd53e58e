"""The rules of traces: requests, their calls, and the evidence of where a fault began."""
