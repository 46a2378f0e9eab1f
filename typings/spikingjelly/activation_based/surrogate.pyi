"""SpikingJelly's surrogates of a spike's gradient."""

from torch import nn

class Sigmoid(nn.Module):
    def __init__(self, alpha: float = 4.0, spiking: bool = True) -> None: ...

class ATan(nn.Module):
    def __init__(self, alpha: float = 2.0, spiking: bool = True) -> None: ...
