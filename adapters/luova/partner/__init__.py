"""The stubs that play the partners of Luova; what each family's partners do is in its folder."""

from exchange.adapters.luova.partner.stub import STUB

__all__ = ["STUB"]
