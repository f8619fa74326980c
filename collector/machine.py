"""What the machine gives us, and what of its memory we took."""

import gc
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_STATUS = Path("/proc/self/status")


def cores() -> int:
    """The cores that this process may use: those it is allowed on, within the quota of its container."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        # "200000 100000": microseconds of CPU in each period; "max 100000" without a limit
        # (https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files).
        quota, period = _QUOTA.read_text().split()
        return max(1, min(allowed, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return allowed


def peak_memory() -> int:
    """The most memory that this process has had resident, in bytes.

    Linux hands the peak that getrusage tells on to whatever program a process starts, so a small one started by a large one would look
    large (kernel, fs/exec.c: setmax_mm_hiwater_rss); /proc tells its own. macOS counts in bytes, others in kilobytes (getrusage(2)).
    """
    try:
        told = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(told.split()[1]) * 1024
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


COLLECTED_AFTER = (20_000, 20, 20)
"""New containers until garbage is looked for; Python's own 700 are a few items of one page."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom while the block lasts, and not among what is there when it begins: pages are trees, which need none of it,
    and looking took an eighth of a run.
    """
    before = gc.get_threshold()
    gc.set_threshold(*COLLECTED_AFTER)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
