"""The loop that follows the messages of a step, compiled."""

from __future__ import annotations

from backends.jit import kernel
from ir.mapping.timing.message_queues import Loop, follow

compiled: Loop = kernel(follow)
