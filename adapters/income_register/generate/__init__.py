"""Makes valid synthetic deliveries about artificial persons; the same seed gives the same bytes."""

from exchange.adapters.income_register.generate.delivery import (
    GENERATORS,
    REPORTS_MAX,
    Batch,
    benefit_delivery,
    delivery_id,
    separate_delivery,
    wage_delivery,
)

__all__ = [
    "GENERATORS",
    "REPORTS_MAX",
    "Batch",
    "benefit_delivery",
    "delivery_id",
    "separate_delivery",
    "wage_delivery",
]
