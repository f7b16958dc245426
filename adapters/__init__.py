"""One folder, one channel; the same file names in each, found by discovery; no channel knows
another.
"""
