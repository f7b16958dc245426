"""The yearly exchange statistics: counters in, tables out; pure, and no figure that was not
counted.
"""
