"""How metrics of a candidate are found: one module for each evaluator, the contract's `Evaluator` each."""
