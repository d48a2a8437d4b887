"""Six families of generative models on two-dimensional data, small enough to be trained while one watches."""
