"""`python -m compile NETWORK --target loihi`, the same as the command `spike-compile`."""

from compile.command.start import start

if __name__ == "__main__":
    start()
