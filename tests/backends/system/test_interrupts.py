"""While processes are forked, Ctrl-C and requests to end wait for the program's own handlers."""

from __future__ import annotations

import signal

import pytest

from backends.system.interrupts import interrupts_deferred


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_until_the_end(number: signal.Signals):
    seen: list[int] = []
    before = signal.signal(number, lambda number, frame: seen.append(number))
    try:
        with interrupts_deferred():
            signal.raise_signal(number)
            assert seen == []
        assert seen == [number]
    finally:
        signal.signal(number, before)


def test_ctrl_c_is_raised_and_signals_without_a_handler_are_left_alone():
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL

    def interrupted() -> None:
        with interrupts_deferred():
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
