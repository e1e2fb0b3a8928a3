"""Training: data, recipes, one loop, and what it measures."""
