"""SpikeCLIP: the network, its text encoders, losses, zero-shot classification, teachers and the twin without spikes."""
