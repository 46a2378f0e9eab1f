"""The report as one page for a browser: one file that needs nothing else."""
