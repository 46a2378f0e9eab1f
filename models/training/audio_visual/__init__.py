"""What audio-visual classifiers share: the digits as their inputs and task, and how well they understand people."""
