"""Partners of one's own: adding them, and samples that they may send."""
