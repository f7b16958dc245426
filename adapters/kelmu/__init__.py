"""Kelmu, Kela's benefit data service: benefit queries answered at once, information requests to counties; the channel and its stubs."""
