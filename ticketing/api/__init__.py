"""The HTTP API and the console: both read the view and send commands, and decide nothing."""
