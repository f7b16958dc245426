"""Messages between the unemployment funds and Kela; modelled, since no public specification of them
exists.
"""
