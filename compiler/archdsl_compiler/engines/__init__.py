"""Whole-graph engines: what runs a deployed model instead of PyTorch, and is called like it."""
