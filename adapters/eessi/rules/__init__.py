"""The rules of the channel: `judge` asks those of the header and, for a case, those of its process;
the findings of the schemas are not theirs.
"""

from exchange.adapters.eessi.rules.judge import key_of, recall, remember, rules

__all__ = ["key_of", "recall", "remember", "rules"]
