"""The rules of the channel: what the schemas can't say, with findings per report; each rule
lives in the module of its part, and `judge` asks them all.
"""

from exchange.adapters.income_register.rules.judge import needs_whole, rules, rules_of_abridged

__all__ = ["needs_whole", "rules", "rules_of_abridged"]
