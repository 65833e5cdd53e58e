"""`python -m ticketing.sandbox --port 8090`: the sandbox alone, until interrupted."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from ticketing.sandbox.server import serve


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--record", type=Path, help="append every request as a JSON line")
    arguments = parser.parse_args()
    asyncio.run(serve("127.0.0.1", arguments.port, arguments.record))


if __name__ == "__main__":
    main()
