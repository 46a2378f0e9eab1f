"""`python -m compile NETWORK --target loihi`."""

import os
import signal
import sys

from compile.command.cli import main

if __name__ == "__main__":
    # Threads that spin while they wait are many times slower on a machine that does anything else; torch is not loaded yet.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    code = main(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done and said; the way out is not to change the code
    sys.exit(code)
