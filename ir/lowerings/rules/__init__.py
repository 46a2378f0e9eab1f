"""One file per way in which an operation becomes synapses and neurons."""
