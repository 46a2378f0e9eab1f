"""Messages that wait, by hand and against a list of all messages under way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ir.graph import Array
from ir.mapping.timing.message_queues import ends_of, follow
from ir.mapping.timing.routes import Routes, routes_of
from ir.mapping.timing.step_messages import NO_ROUTE, NOBODY, StepMessages

NS = {
    "neuron_update": 1.0,
    "spike": 0.5,
    "axon_out": 0.25,
    "axon_in": 7.0,
    "synaptic_event": 3.0,
    "hop_east_west": 100.0,
    "hop_north_south": 1000.0,
}


def messages(*senders: list[tuple[int, int, int]]) -> StepMessages:
    """Of each sender, (target, synapses, route) after an update and a spike each, and one more update in the end; of inputs, the last."""
    end = (NOBODY, 0, NO_ROUTE)
    rows = [row for own in senders[:-1] for row in [*((1, 1, 1, *each) for each in own), (1, 0, 0, *end)]]
    rows += [(0, 0, 0, *each) for each in [*senders[-1], end]]
    return StepMessages(np.cumsum([0, *(len(own) + 1 for own in senders)]), *np.array(rows).T)


def one_core_to_another(way: list[int]) -> Routes:
    return routes_of(np.array([0]), np.array([[0, 0]]), np.array([way]))


@pytest.mark.parametrize(("way", "hops"), [([0, 0], 0), ([1, 0], 100), ([0, 1], 1000), ([2, 1], 1200)])
def test_a_message_alone_is_sent_travels_and_is_taken_in(way: list[int], hops: int):
    found = ends_of(messages([(1, 2, 0)], [], []), one_core_to_another(way), NS, 1, follow)
    assert found.tolist() == [[1.75 + 1, 1], [0, 1.75 + hops + 13]]


def test_messages_of_inputs_cost_no_core_anything_and_are_there_at_once():
    given = messages([], [(0, 1, NO_ROUTE), (0, 2, NO_ROUTE)])
    assert ends_of(given, one_core_to_another([0, 0]), NS, 1, follow).tolist() == [[1], [10 + 13]]


def test_one_sender_overruns_a_core_at_its_own_router():
    """Six messages, 1 ns to send and 10 ns to take in; a buffer of one message has a half of each under way, the core the other."""
    ns = {**dict.fromkeys(NS, 0.0), "neuron_update": 1.0, "axon_in": 10.0}
    found = ends_of(messages([(1, 0, 0)] * 6, [], []), one_core_to_another([0, 0]), ns, 1, follow)
    # ready  under way  in the buffer  held up  sent  taken in from
    #     1          0              0             1       1
    #     2          0              0             2      11
    #     3          1            0.5             3      21
    #     4          2              1             4      31
    #     5          3            1.5        5   10      41
    #    11   3, one began      1.5          5   16      51
    # and one more update after that.
    assert found.tolist() == [[17, 1], [0, 61]]


def test_messages_slow_down_others_that_share_a_buffer_and_no_others():
    """Core 0 overruns core 3, which takes 12 ns for each message; core 1 sends beside it, or core 2 from the other side, to core 4."""
    routes = routes_of(np.array([0, 1, 2]), np.array([[0, 0], [0, 0], [2, 0]]), np.array([[1, 0]] * 3))
    ns = {**dict.fromkeys(NS, 0.0), "neuron_update": 1.0, "synaptic_event": 12.0}
    # At 2 ns one message of core 0 is under way, a third of it in the buffer that core 1 shares: 1 / 3 * 12 / 2 = 2 ns.
    beside = ends_of(messages([(3, 1, 0)] * 3, [(4, 0, 1)] * 2, [], [], [], []), routes, ns, 9, follow)
    assert beside.tolist() == [[4, 3, 1, 1, 1], [0, 0, 0, 37, 4]]
    across = ends_of(messages([(3, 1, 0)] * 3, [], [(4, 0, 2)] * 2, [], [], []), routes, ns, 9, follow)
    assert across.tolist() == [[4, 1, 3, 1, 1], [0, 0, 0, 37, 2]]


def random_step(seed: int) -> tuple[tuple[Any, ...], int]:
    """Six cores on a mesh and inputs, 120 messages: what `follow` takes, and how many find room in a buffer."""
    random = np.random.default_rng(seed)
    home, sender = random.integers(0, 4, (7, 2)), random.integers(0, 7, 20)
    target = random.integers(0, 6, 20)
    routes = routes_of(sender, home[sender], home[target])
    sent = [random.permutation(np.flatnonzero(sender == k).repeat(6)) for k in range(7)]
    starts = np.cumsum([0, *(len(own) + 1 for own in sent)])
    route = np.concatenate([np.append(own, NO_ROUTE) for own in sent]).astype(np.int64)
    of = np.where(route == NO_ROUTE, NOBODY, target[route])
    route = np.where(random.random(len(route)) < 0.1, NO_ROUTE, route)
    busy, taken = random.random((2, len(route))) * [[2], [20]]
    hops = routes.hops @ np.array([4.1, 6.5])
    return (starts, busy, of, taken, route, routes.starts, routes.buffers, hops), int(random.integers(1, 4))


def listed(
    starts: Array,
    busy: Array,
    of: Array,
    taken: Array,
    route: Array,
    first: Array,
    buffers: Array,
    hops: Array,
    room: int,
) -> Array:
    """The same from a list of all messages, in which everything is looked up anew."""
    at, done = [int(k) for k in starts[:-1]], [False] * (len(starts) - 1)
    ready, sent, free = [float(busy[k]) for k in at], [0.0] * len(at), [0.0] * len(at)
    begun: list[tuple[int, float]] = []
    while not all(done):
        now, who = min((time, k) for k, time in enumerate(ready) if not done[k])
        message, arrives = at[who], now
        core = int(of[message])
        if route[message] != NO_ROUTE:
            way = [buffers[first[route[m]] : first[route[m] + 1]].tolist() for m, begin in begun if begin > now]
            work = [taken[m] for m, begin in begun if begin > now]
            own = buffers[first[route[message]] : first[route[message] + 1]].tolist()
            ahead = sum(other.count(buffer) / (len(other) + 1) for other in way for buffer in own)
            mean = sum(work) / len(work) if work else 0.0
            if ahead > len(own) * room:
                now += (ahead - len(own) * room) * mean
            arrives = now + max(hops[route[message]], ahead * mean / len(own))
        if core != NOBODY:
            begin = max(free[core], arrives)
            free[core] = begin + taken[message]
            begun += [(message, begin)] if route[message] != NO_ROUTE else []
        at[who] += 1
        done[who] = at[who] == starts[who + 1]
        sent[who] = now
        ready[who] = now if done[who] else now + busy[at[who]]
    return np.array([sent, free])


@pytest.mark.parametrize("seed", range(6))
def test_as_from_a_list_of_all_messages(seed: int):
    given, room = random_step(seed)
    expected = listed(*given, room)
    np.testing.assert_allclose(np.array(follow(*given, room)), expected, rtol=1e-9)
    free = listed(*given, 1000)
    assert (expected[0] > free[0]).any()  # some are held up
