"""The rules of the channel in `judge`, what the rules of families share in `fields`; a family's own
are in its folder.
"""
