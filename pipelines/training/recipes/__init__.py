"""One file a model: data, size, optimiser, loss, budget and what it must reach."""
