"""CMSF on emoji: regions and words as tokens, the task, the training."""
