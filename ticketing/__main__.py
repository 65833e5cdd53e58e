"""`python -m ticketing`: the command line."""

from ticketing.cli import main

main()
