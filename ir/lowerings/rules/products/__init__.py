"""Products of two computed values: matrix products, attention, and payloads that spikes open."""
