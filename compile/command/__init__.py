"""The command line: flags in, progress and one exit code out."""
