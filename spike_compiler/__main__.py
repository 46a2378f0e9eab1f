"""`python -m spike_compiler NETWORK --target loihi`, the same as the command `spike-compile`."""

from compile.__main__ import start

if __name__ == "__main__":
    start()
