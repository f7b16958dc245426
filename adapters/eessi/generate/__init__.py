"""Makes valid artificial EESSI messages; the same seed gives the same bytes."""

from exchange.adapters.eessi.generate.messages import GENERATORS

__all__ = ["GENERATORS"]
