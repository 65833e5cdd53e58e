"""The HTTP API and the console: they read the view and send commands; they decide nothing."""
