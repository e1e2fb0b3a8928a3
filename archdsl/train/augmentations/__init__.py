"""Augmentations: changes of a batch of training pictures, each a module of its own."""
