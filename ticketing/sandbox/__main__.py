"""`python -m ticketing.sandbox --port 8099`: the sandbox alone, until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from ticketing.sandbox.server import start


async def serve(port: int, record: Path | None) -> None:
    """Serve on loopback until SIGINT or SIGTERM; prints the address first."""
    sandbox = await start(port=port, record=record)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    print(f"sandbox on {sandbox.url}", flush=True)
    await stop.wait()
    await sandbox.stop()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--record", type=Path, help="append every request as a JSON line")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.record))


if __name__ == "__main__":
    main()
