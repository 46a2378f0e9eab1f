"""How much memory is free for this process and its children: of the machine, of its control groups, of its own limit."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

GROUPS = {
    "": ("", "memory.max", "memory.current"),
    "memory": ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
}
"""Controller (none in version 2) -> folder, limit and use."""


def free_memory(root: Path = Path("/")) -> int:
    """
    Bytes that can be taken before anything is swapped, refused or killed.

    Args:
        root: where `proc` and `sys` are.
    """
    return max(0, min([_of_machine(root), *_of_groups(root), *_of_process(root)]))


def _of_machine(root: Path) -> int:
    if not (root / "proc/meminfo").is_file():  # not Linux: nothing is known
        return sys.maxsize
    lines = (root / "proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def _of_groups(root: Path) -> Iterator[int]:
    """What every control group that holds this process has left; files that are only cached count as free."""
    groups = root / "proc/self/cgroup"
    for line in groups.read_text().splitlines() if groups.is_file() else ():
        _, controllers, path = line.split(":", 2)
        for controller in GROUPS.keys() & controllers.split(","):
            folder, limit, used = GROUPS[controller]
            top = root / "sys/fs/cgroup" / folder
            own = top / path.lstrip("/")
            for group in (own, *own.parents):
                if group.is_relative_to(top) and (group / limit).is_file() and (group / limit).read_text() != "max\n":
                    yield int((group / limit).read_text()) - int((group / used).read_text()) + _cached(group)


def _cached(group: Path) -> int:
    """Files of a group that nobody uses, whose memory it gives back."""
    counts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return int(counts.get("total_inactive_file", counts.get("inactive_file", 0)))


def _of_process(root: Path) -> Iterator[int]:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and (root / "proc/self/statm").is_file():
        yield limit - int((root / "proc/self/statm").read_text().split()[0]) * resource.getpagesize()
