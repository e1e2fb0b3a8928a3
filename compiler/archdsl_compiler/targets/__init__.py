"""Forms in which a built model leaves Python's hands, each compared with the model that it came from."""
