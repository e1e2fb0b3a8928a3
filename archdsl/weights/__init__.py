"""Trained weights: read from files, matched to a model's state dict, loaded whole or not at all."""
