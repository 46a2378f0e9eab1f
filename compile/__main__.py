"""`python -m compile NETWORK --target loihi`."""

import sys

from compile.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
