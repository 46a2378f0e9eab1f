"""How delays, loops and constants of single steps become synapses."""
