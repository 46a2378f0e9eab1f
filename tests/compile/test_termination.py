"""Being asked to end unwinds: whatever was begun is cleared away."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from compile.output_folder import output_folder
from compile.termination import ends_when_asked


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_of_a_folder_being_written(tmp_path: Path, number: signal.Signals):
    def run() -> None:
        with ends_when_asked(), output_folder(tmp_path / "out") as folder:
            (folder / "a.txt").write_text("a")
            os.kill(os.getpid(), number)

    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 128 + number
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(number) == signal.SIG_DFL


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ends_when_asked():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
