"""`python -m compile.evaluation`, the same as `python -m models.evaluate`."""

import os
import sys

from compile.evaluation.cli import main

if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(main(sys.argv[1:]))
