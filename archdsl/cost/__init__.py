"""What candidates cost: activation memory, latency measured or predicted, scores of untrained models."""
