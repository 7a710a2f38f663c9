"""Live figures of the engine: histograms and what is drawn from them."""
