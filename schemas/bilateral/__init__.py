"""Data on persons abroad that Kela and foreign institutions exchange outside EESSI; modelled, since
no public specification exists.
"""
