"""Questions to the population register by its change interface, and its answers on basic data."""
