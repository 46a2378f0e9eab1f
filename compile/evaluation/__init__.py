"""
Whole test sets through the integer networks, batch by batch: resumable, on all cores or on a cluster.

`spike-compile evaluate`; see docs/evaluation.md.
"""
