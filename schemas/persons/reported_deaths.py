"""Deaths that were reported to Kela and that the computed population does not have, or has later:
payments end by them.
"""

from __future__ import annotations

from exchange.schemas.persons.population import POPULATION, Life

#: Deaths that are kept; the oldest told is forgotten first.
TOLD_MAX = 100_000


class Told:
    """Deaths that are told of otherwise than the population has them: one that it has comes by
    itself, so that a simulated year is the same whoever was told of it.
    """

    def __init__(self) -> None:
        self._deaths: dict[tuple[int, int], int] = {}

    def tell(self, code: str, day: int | None) -> None:
        """Somebody died on a day (an ordinal); None: that was none. Of nobody known, nothing is
        kept.
        """
        life = POPULATION.find(code)
        if life is None:
            return
        place = life.birth, life.slot
        self._deaths.pop(place, None)
        if day is None or day >= life.death:
            return
        if len(self._deaths) >= TOLD_MAX:
            del self._deaths[next(iter(self._deaths))]
        self._deaths[place] = day

    def death(self, life: Life) -> int:
        """The last day (an ordinal) of somebody's life, as told or else as the population has
        it.
        """
        return self._deaths.get((life.birth, life.slot), life.death)


#: What was told to whom this process plays.
TOLD = Told()
