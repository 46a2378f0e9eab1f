"""How long a map takes on the chip: what its cores and links do in a step, and what that takes by the profile's times."""
