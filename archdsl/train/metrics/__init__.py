"""Metrics of a trained model, each a module of its own."""
