"""
What a lowering adds to a network, by parts that are counted, not priced; the profile says what they are worth.

The weighted sum decides between the strategies of one operation. It compares, it predicts nothing: parts that all of them
share (the model's own neurons) are left out, and so is what a mapping onto cores makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ir.profile import CostWeights


@dataclass(frozen=True)
class Cost:
    """What one strategy adds for one node, per sample."""

    neurons: int
    synapses: int
    """Unrolled: shared weights count at every place."""
    events: int
    """Synaptic events of one model step in which every population fires all it can: an upper bound, exact for ones."""
    steps: int = 1
    """Micro-steps of one model step."""

    def weighed(self, weights: CostWeights) -> int:
        """The cost in synapses."""
        parts = (
            (self.neurons, weights.neuron),
            (self.synapses, weights.synapse),
            (self.events, weights.event),
            (self.steps, weights.step),
        )
        return sum(count * weight for count, weight in parts)


USUAL_WEIGHTS = CostWeights()
"""The weights where a profile states none."""
