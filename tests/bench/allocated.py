"""What torch's allocator holds while something runs on the CPU: every tensor, and the workspace that kernels ask it for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

from torch.profiler import ProfilerActivity, profile


def peak_bytes(run: Callable[[], object]) -> int:
    """The most bytes held at once during a call, beyond those held before; it must leave nothing behind and free nothing older."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        run()
    results: Any = profiled.profiler
    changes = [event.nbytes() for event in results.kineto_results.events() if event.name() == "[memory]"]
    return max(accumulate(changes), default=0)
