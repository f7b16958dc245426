"""The stubs that play the register's partners: payers of wages and benefits, and data users."""

from exchange.adapters.income_register.partner.payroll import STUB

__all__ = ["STUB"]
