"""What is found out about a graph, once, for all stages: passes, engines, reports."""
