"""
Whole test sets through the integer networks, chunk by chunk: resumable, on all cores or on a cluster.

`python -m models.evaluate`; see docs/evaluation.md.
"""
