"""`python dying_worker.py ROLE FLAG`: a worker that dies once, between its table and its publish.

While the file FLAG exists, the first batch that has written the table removes it and ends the
process as `kill -9` would. Without the file it is a worker like any other.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from ticketing import worker
from ticketing.agent import KeyedAgent
from ticketing.runtime import Runtime


def main(role: str, flag: Path) -> None:
    """Run the role."""
    init = KeyedAgent.__init__

    def die() -> None:
        if flag.exists():
            flag.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    def dying(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, before_publish=die, **options)

    KeyedAgent.__init__ = dying  # type: ignore[method-assign]
    worker.run(role, Runtime.from_environ())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
