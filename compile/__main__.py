"""`python -m compile NETWORK --target loihi`."""

import os
import sys

from compile.cli import main

if __name__ == "__main__":
    # Threads that spin while they wait are many times slower on a machine that does anything else; torch is not loaded yet.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(main(sys.argv[1:]))
