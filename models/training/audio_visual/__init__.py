"""What audio-visual classifiers share: the digits as their inputs, training, evaluation and the compiler's task."""
