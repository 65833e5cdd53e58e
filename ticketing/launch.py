"""The first steps of every process: whom its files are for, and how many it may have open."""

from __future__ import annotations

import contextlib
import os
import resource

OWN_FILES = 0o077
"""Files are the owner's alone (0600, directories 0700): tables hold log lines of every tenant."""
DESCRIPTORS_MAX = 1_048_576
"""Linux's own bound (fs.nr_open). Where a container has none, some programs walk them all."""


def prepare() -> None:
    """Keep new files to the owner, and raise the limit of descriptors. Children inherit both."""
    os.umask(OWN_FILES)
    raise_descriptors()


def raise_descriptors() -> None:
    """Raise the limit of descriptors as far as the system lets this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS refuses more than its own bound, whatever the hard limit says.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
