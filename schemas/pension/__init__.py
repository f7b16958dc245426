"""Messages between Kela and the work pension sector; modelled, since no public specification of
them exists.
"""
