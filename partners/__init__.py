"""The programs that play partners: they send, answer and misbehave over real HTTP; imports nothing
of the exchange.
"""
