"""What a NIR network means: the options of its reading, and the IR graph that follows."""
