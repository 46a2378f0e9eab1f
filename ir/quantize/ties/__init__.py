"""Ties that fall as in the source, whatever the bias: thresholds, biases, and the synapses that help out."""
