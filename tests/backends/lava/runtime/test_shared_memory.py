"""Memory that forked children share, a run's progress and first failure, and what there is no memory for."""

from __future__ import annotations

import os

import numpy as np
import pytest

from backends.lava.runtime.shared_memory import ChannelMemory, Status, shared_array
from ir.errors import CompileError


def in_a_child(work) -> None:
    """Do something in a fork, and wait for its end."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_what_a_child_writes_the_parent_sees(dtype: type):
    array = shared_array((2, 3), dtype)
    assert (array.shape, array.dtype) == ((2, 3), dtype)
    assert not array.any()
    in_a_child(lambda: array.__setitem__((1, 2), 7))
    assert array.tolist() == [[0, 0, 0], [0, 0, 7]]


def test_arrays_may_be_empty():
    assert shared_array((0, 3), np.int64).shape == (0, 3)
    assert shared_array((), np.int64).shape == ()


def test_results_that_no_machine_holds_are_refused():
    with pytest.raises(CompileError, match=r"lava\.memory.*MiB of shared memory(.|\n)*fewer samples"):
        shared_array((1 << 40, 1 << 20), np.int64)


def test_channels_are_shared_and_have_no_name():
    segment = ChannelMemory().create_shared_memory(16)
    assert len(segment.buf) == 16
    in_a_child(lambda: segment.buf.__setitem__(slice(0, 3), b"abc"))
    assert bytes(segment.buf[:4]) == b"abc\0"
    assert len(ChannelMemory().create_shared_memory(0).buf) == 1
    ChannelMemory().shutdown()


def test_a_status_tells_how_far_a_child_has_come():
    status = Status()
    assert (status.step, status.failure) == (0, "")
    in_a_child(lambda: status.progress(41))
    assert status.step == 41


def failure(text: str) -> Exception:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_the_first_failure_stays_with_its_traceback():
    status = Status()
    in_a_child(lambda: status.fail(failure("the dog ate it")))
    status.fail(failure("too late"))
    assert status.failure.startswith("Traceback")
    assert status.failure.endswith("ValueError: the dog ate it\n")


def test_of_a_long_failure_the_end_is_kept():
    status = Status()
    status.fail(failure("é" * 9000 + " and so it died"))
    assert status.failure.endswith(" and so it died\n")
    assert "ValueError" not in status.failure
