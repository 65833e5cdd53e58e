"""A client of the HTTP API, for programs in Python and for the command line."""
