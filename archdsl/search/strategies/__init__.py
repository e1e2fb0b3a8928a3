"""Strategies: what `search` may ask for candidates, one module each."""
