"""How long a network runs."""

class RunSteps:
    def __init__(self, num_steps: int, blocking: bool = True) -> None: ...
