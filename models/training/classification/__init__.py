"""Classification: samples with labels, the training of networks from inputs to scores, their metrics and their task."""
