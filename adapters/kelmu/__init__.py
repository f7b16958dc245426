"""Kelmu, Kela's benefit data service: benefit queries, information requests to counties; the
channel and its stubs.
"""
