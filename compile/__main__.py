"""Where every way to start ends: the command `spike-compile`, `python -m spike_compiler`, `python -m compile`."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from typing import NoReturn


def start() -> NoReturn:
    """Run the command line with the process's own arguments, and end the process."""
    # Threads that spin while they wait are many times slower on a machine that does anything else; torch is not loaded yet.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _silence_libraries()
    try:
        from compile.cli import main

        code = main(sys.argv[1:])
    except KeyboardInterrupt:  # before the command took it over, or after it was done
        print("interrupted", file=sys.stderr)
        code = 128 + signal.SIGINT
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done and said; the way out is not to change the code
    sys.exit(code)


def _silence_libraries() -> None:
    """Leave out what libraries say to their own authors when they are first imported; `python -W` goes before."""
    warnings.filterwarnings("ignore", category=SyntaxWarning, module=r".*\bspikingjelly\b", append=True)
    warnings.filterwarnings("ignore", r"`torch\.jit\.", category=FutureWarning, append=True)


if __name__ == "__main__":
    start()
