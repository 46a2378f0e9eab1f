"""SNNergy's network: two streams in three stages, what joins them, and published weights of their layers."""
