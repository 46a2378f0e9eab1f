"""Where a quantised network lies on chips: which core every neuron is on, and where the cores are."""
