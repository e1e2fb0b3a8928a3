"""What may stand in the fields of `quant`, `train` and `search` and in settings of models, declared without torch: the
checker, hover texts and the reference read it, and the rooms that do the work will implement it."""
