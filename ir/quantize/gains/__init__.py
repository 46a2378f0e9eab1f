"""Input gains of neurons and the weights that feed them: what either takes from the other."""
