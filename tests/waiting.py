"""How long tests wait for what must happen: no promise of the product, but a bound for what hangs,
so long that a busy machine is through by then.
"""

WAIT_SECONDS = 20.0
