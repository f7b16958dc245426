"""The class of member that a partner has in X-Road."""

from __future__ import annotations

from exchange.schemas.directory import Partner

#: The class of member of each sector (*modelled*); companies otherwise.
_CLASSES = {
    "kela": "GOV",
    "tax": "GOV",
    "population-register": "GOV",
    "income-register": "GOV",
    "pension-register": "GOV",
    "other-authority": "GOV",
    "healthcare": "MUN",
    "helsinki": "MUN",
    "municipality": "MUN",
    "wellbeing-county": "MUN",
}


def class_of(partner: Partner) -> str:
    """GOV, MUN or COM, by the partner's sector."""
    return _CLASSES.get(partner.sector, "COM")
