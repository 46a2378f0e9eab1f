"""
Follows the messages of a step, one after another, to the end of the last one: they wait for each other in the mesh and for cores.

The model of J. A. Boyle et al., SANA-FE, IEEE TCAD 44(8):3165-3178, 2025, between maxima and the cycles of routers. A message
on a route of h hops is spread over h + 2 places: the h + 1 buffers of the route, and the core that it goes to; it is there until
the core begins to take it in. With n what all messages have in the buffers of a route, B the messages that a buffer holds, and
R what cores take, on average, to take in one of those under way:

* the sender of another one is held up for (n - (h + 1) B) R, if that is more than nothing;
* this one travels for n R / (h + 1), or as its hops take, whichever is longer;
* its core takes in one after another, in the order in which they were ready to be sent.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np

from ir.graph import Array
from ir.mapping.timing.routes import Routes
from ir.mapping.timing.step_messages import StepMessages
from ir.mapping.timing.step_time import SENDING, Ns

Loop = Callable[..., Any]
"""`follow`, as it is or compiled."""


def ends_of(messages: StepMessages, routes: Routes, ns: Ns, buffer: int, loop: Loop) -> Array:
    """
    When each core has sent everything, and when it has taken in everything, float (2, cores), in ns from the step's begin.

    Args:
        ns: what every event takes.
        buffer: the messages that a buffer holds.
    """
    busy = sum((getattr(messages, event) * ns[event] for event in SENDING), np.zeros(len(messages.target)))
    taken = ns["axon_in"] + messages.synaptic_event * ns["synaptic_event"]
    hops = routes.hops @ np.array([ns["hop_east_west"], ns["hop_north_south"]])
    way = (messages.route, routes.starts, routes.buffers, hops)
    return np.array(loop(messages.starts, busy, messages.target, taken, *way, buffer))[:, :-1]


def follow(
    starts: Array,
    busy: Array,
    target: Array,
    taken: Array,
    route: Array,
    route_starts: Array,
    buffers: Array,
    hops: Array,
    room: int,
) -> Any:
    """
    When senders have sent and taken in everything, two arrays (senders,).

    Args:
        busy: what a sender does before each message. taken: what its target does with it.
        hops: (routes,), how long the hops of each take.
    """
    senders = len(starts) - 1
    sent, free = np.zeros(senders), np.zeros(senders)
    held, under_way, work_under_way = np.zeros(len(buffers)), 0, 0.0
    following = starts[:-1].copy()
    ready = [(busy[starts[k]], k) for k in range(senders)]
    heapify(ready)
    away = [(0.0, 0)]  # when a message is taken in, and which
    away.pop()
    while ready:
        now, sender = heappop(ready)
        while away and away[0][0] <= now:
            gone = heappop(away)[1]
            first, end = route_starts[route[gone]], route_starts[route[gone] + 1]
            for k in range(first, end):
                held[buffers[k]] -= 1 / (end - first + 1)
            under_way, work_under_way = under_way - 1, work_under_way - taken[gone]
        message = following[sender]
        core, arrives = target[message], now
        if route[message] >= 0:
            first, end = route_starts[route[message]], route_starts[route[message] + 1]
            ahead, mean = 0.0, work_under_way / max(1, under_way)
            for k in range(first, end):
                ahead += held[buffers[k]]
                held[buffers[k]] += 1 / (end - first + 1)
            now += max(0.0, ahead - (end - first) * room) * mean
            arrives = now + max(hops[route[message]], ahead / (end - first) * mean)
            under_way, work_under_way = under_way + 1, work_under_way + taken[message]
            heappush(away, (float(max(free[core], arrives)), message))
        if core >= 0:
            free[core] = max(free[core], arrives) + taken[message]
        following[sender] += 1
        if following[sender] < starts[sender + 1]:
            heappush(ready, (now + busy[following[sender]], sender))
        else:
            sent[sender] = now
    return sent, free
