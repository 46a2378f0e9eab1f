"""What a map costs: spikes on their way between cores, and how long cores and links take for a step by the profile's times."""
