"""Changes that the population register tells Kela of."""
