"""Image-text retrieval: similarity, losses, metrics, the task."""
