"""Training: one loop, one recipe file a model, one data file a set. `python -m pipelines.training NAME`."""
