"""Onboarding: what the exchange demands of a partner's program, tried against it: its endpoints by
pushes, its client by what it sends and fetches; a verdict for each demand.
"""
