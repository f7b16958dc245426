"""The statistics held against a counter of its own, over traffic of every kind that there is."""
