"""Data sources: pictures with labels, in splits, each source a module of its own."""
