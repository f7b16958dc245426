"""The population register (DVV) as its change interface VTJmutpa serves it; the channel and its
stubs.
"""
