"""The second half of the way: which delivery is made when, the call, and what its outcome leads
to; how a channel words the call is its own.
"""
