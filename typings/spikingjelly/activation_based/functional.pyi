"""Of SpikingJelly's functions on networks the one that resets the neurons."""

from torch import nn

def reset_net(net: nn.Module) -> None: ...
