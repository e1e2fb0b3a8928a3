"""Scores of untrained models on one batch, larger is better: a module each, with `score(net) -> {name: value}`."""
