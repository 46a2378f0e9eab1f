"""First on the path, this package hides the one of the same name that lava-nc installs: `python -m tests.bench` finds ours."""
