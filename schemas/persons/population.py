"""One population, computed and not stored: from an identity code follow a life and its family; the
same for everybody who asks, today and in a hundred years.
"""

from __future__ import annotations

import datetime
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property

from exchange.schemas.identifiers import (
    Sex,
    make_personal_identity_code,
    parse_personal_identity_code,
)
from exchange.schemas.persons.homes import Home, home_of
from exchange.schemas.persons.life_courses import (
    NUMBERS,
    RESIDUES,
    SLOTS,
    Course,
    couple_of,
    course_of,
    days,
    families,
    woman_of,
)
from exchange.schemas.persons.names import LAST_NAMES, MEN, WOMEN

_SEPARATORS = {19: "-YXWVU", 20: "ABCDEF"}
#: Nobody of the population was born before, nor is later than the codes reach.
FIRST_BIRTH = datetime.date(1900, 1, 1).toordinal()
LAST_BIRTH = datetime.date(2099, 12, 31).toordinal()
#: Family names go back so far in the male line.
_NAMES_FROM = datetime.date(1940, 1, 1).toordinal()
_OF_AGE = days(18) + 1
_PREGNANCY_DAYS = 280
#: Days between a death that was none, put right, and the real one.
_APART_DAYS = 30
#: Everybody has left the mother's home by then.
_LEFT_HOME_DAYS = days(20) + 1
_MULTIPLIER, _NUMBERS_OF_HOMES = 2_654_435_761, 1 << 32


class Life:
    """Somebody's life. Days are ordinals (`date.toordinal`); `registered` and `death` are the first
    and the last day on which anything can be told of her as living.
    """

    def __init__(self, population: Population, birth: int, slot: int) -> None:
        self.population = population
        self.birth = birth
        self.slot = slot
        self.course: Course = course_of(population.seed, slot, birth % RESIDUES)
        self.registered = birth + self.course.registered
        self.death = birth + self.course.lifetime

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Life) and (self.birth, self.slot) == (other.birth, other.slot)

    def __hash__(self) -> int:
        return hash((self.birth, self.slot))

    @property
    def given(self) -> bool:
        """Whether somebody has this code: was ever in the register."""
        return self.course.given and self.registered < self.death

    @property
    def sex(self) -> Sex:
        """By the individual number."""
        return "male" if self.slot % 2 else "female"

    @property
    def birth_date(self) -> datetime.date:
        """The day of birth."""
        return datetime.date.fromordinal(self.birth)

    @cached_property
    def code(self) -> str:
        """The identity code that she has at last."""
        return code_of(self.birth, self.slot)

    @property
    def corrected(self) -> int:
        """The day on which her first code was corrected; 0: never."""
        moment = self.registered + self.course.corrected
        return moment if self.course.corrected and moment <= self.death else 0

    @property
    def earlier_code(self) -> str:
        """The code that she had until it was corrected; empty when it never was."""
        return code_of(self.birth, self.slot - 2) if self.course.corrected else ""

    def code_on(self, day: int) -> str:
        """The code that the register had for her on a day."""
        uncorrected = self.course.corrected and not 0 < self.corrected <= day
        return self.earlier_code if uncorrected else self.code

    def is_alive(self, day: int) -> bool:
        """Whether she is registered and lives on a day."""
        return self.registered <= day <= self.death

    @cached_property
    def mother(self) -> Life | None:
        """Her mother, where she is in the register and lived at the birth."""
        return self._parent(is_mother=True)

    @cached_property
    def father(self) -> Life | None:
        """Her father, likewise, nine months before the birth."""
        return self._parent(is_mother=False)

    def _parent(self, is_mother: bool) -> Life | None:
        if self.course.registered or not self.given:
            return None
        kin = families(self.population.seed)
        couple, age = kin.parents[self.slot]
        born = self.birth - age
        woman = woman_of(couple)
        parent = self.population.at(
            born if is_mother else born - kin.older_days[couple], woman + (not is_mother)
        )
        if parent is None or parent.registered > self.birth:
            return None
        lived_until = self.birth - (0 if is_mother else _PREGNANCY_DAYS)
        return parent if parent.death >= lived_until else None

    @cached_property
    def children(self) -> Sequence[Life]:
        """Her children, the oldest first."""
        kin = families(self.population.seed)
        couple = couple_of(self.slot)
        mother_born = self.birth + (kin.older_days[couple] if self.slot % 2 else 0)
        found = []
        for slot, age in kin.children[couple]:
            child = self.population.at(mother_born + age, slot)
            if child and self in (child.mother, child.father):
                found.append(child)
        return tuple(found)

    def births(self) -> Iterator[int]:
        """The days on which children may have been born to her, whether or not they were."""
        kin = families(self.population.seed)
        couple = couple_of(self.slot)
        mother_born = self.birth + (kin.older_days[couple] if self.slot % 2 else 0)
        return (mother_born + age for _, age in kin.children[couple])

    @cached_property
    def marriage(self) -> tuple[int, int, Life] | None:
        """(first day, last day, spouse) of her one marriage, or None."""
        kin = families(self.population.seed)
        couple = couple_of(self.slot)
        older = kin.older_days[couple]
        is_man = self.slot % 2
        other = self.population.at(
            self.birth + (older if is_man else -older), self.slot + (-1 if is_man else 1)
        )
        if other is None or not self.given:
            return None
        woman = other if is_man else self
        if not woman.course.wedding:
            return None
        first = woman.birth + woman.course.wedding
        last = min(self.death, other.death)
        if woman.course.divorce:
            last = min(last, woman.birth + woman.course.divorce)
        young = first < max(self.birth, other.birth) + _OF_AGE
        if young or first >= last or first < max(self.registered, other.registered):
            return None
        return first, last, other

    def spouse(self, day: int) -> Life | None:
        """Whom she is married to on a day."""
        wed = self.marriage
        return wed[2] if wed and wed[0] <= day <= wed[1] else None

    @cached_property
    def stays(self) -> Sequence[tuple[int, int]]:
        """(first day, number of the home), in order: as a child she lives with her mother, a
        husband where his wife lives, and otherwise each moves by herself.
        """
        stays, wed = self._unmarried_stays(), self.marriage
        if wed is not None and self.sex == "male":
            stays = _joined(wed[2]._unmarried_stays(), wed[0], wed[1] + 1, stays)
        begun = [(self.registered, _at(stays, self.registered))]
        begun += [stay for stay in stays if self.registered < stay[0] <= self.death]
        return tuple(_moves(begun))

    def may_move(self, first: int, last: int) -> bool:
        """Whether her home may change in these days: quick, and never no when it does."""
        kin = families(self.population.seed)
        couple, age = kin.parents[self.slot]
        courses = [(self.birth, self.course)]
        if self.birth + _LEFT_HOME_DAYS > first:
            born = self.birth - age
            courses.append(
                (born, course_of(self.population.seed, woman_of(couple), born % RESIDUES))
            )
        if self.slot % 2:
            born = self.birth + kin.older_days[couple_of(self.slot)]
            wife = course_of(self.population.seed, self.slot - 1, born % RESIDUES)
            ends = (wife.wedding, wife.divorce + 1, wife.lifetime + 1)
            if any(first <= born + after <= last for after in ends):
                return True
            courses.append((born, wife))
        return any(
            first <= born + after <= last for born, course in courses for after in course.moves
        )

    def _unmarried_stays(self) -> list[tuple[int, int]]:
        own, mother = self._own_stays(), self.mother
        if mother is None:
            return own
        # (A mother has her own home by the time that her first child is born.)
        return _joined(mother._own_stays(), self.birth, self.birth + self.course.moves[0], own)

    def _own_stays(self) -> list[tuple[int, int]]:
        return [
            (self.birth + after, self._own_number(index))
            for index, after in enumerate((0, *self.course.moves))
        ]

    def home(self, day: int) -> Home | None:
        """Where she lives on a day; None when she does not live in Finland, or not any more."""
        return home_of(self.home_number(day)) if self.is_alive(day) else None

    def home_number(self, day: int) -> int:
        """The number of the dwelling where she lives on a day of her life, as `stays` has it."""
        wed, host = self.marriage if self.slot % 2 else None, self
        if wed is not None and wed[0] <= day <= wed[1]:
            host = wed[2]
        if day < host.birth + host.course.moves[0] and host.mother is not None:
            host = host.mother
        return host._own_number(bisect_right(host.course.moves, day - host.birth))

    def _own_number(self, index: int) -> int:
        """The number of the dwelling that her own move of that index (0: her birth) leads to."""
        begin = self.course.home + self.birth // RESIDUES * 7_919
        return (begin + index * 104_729) * _MULTIPLIER % _NUMBERS_OF_HOMES

    @property
    def first_name(self) -> str:
        """Her given name."""
        names = MEN if self.slot % 2 else WOMEN
        return names[(self.course.name + self.birth // RESIDUES * 31) % len(names)]

    @cached_property
    def birth_name(self) -> str:
        """The family name that she was given: her father's, where he is known."""
        if self.birth >= _NAMES_FROM and (father := self.father) is not None:
            return father.birth_name
        return LAST_NAMES[(self.course.name // 64 + self.birth // RESIDUES * 17) % len(LAST_NAMES)]

    @cached_property
    def married_name(self) -> tuple[int, str] | None:
        """(first day, name) of another family name, taken at the wedding."""
        wed = self.marriage
        if wed is None or self.sex == "male" or not self.course.takes_name:
            return None
        name = wed[2].birth_name
        return (wed[0], name) if name != self.birth_name else None

    def last_name(self, day: int) -> str:
        """Her family name on a day."""
        married = self.married_name
        return married[1] if married and married[0] <= day else self.birth_name

    @property
    def restricted(self) -> tuple[int, int] | None:
        """(first day, day of the end) of a restricted disclosure (turvakielto), or None."""
        first, end = (self.birth + moment for moment in self.course.restricted)
        if not self.course.restricted[0] or not self.registered <= first <= self.death:
            return None
        return first, end

    @property
    def mistaken(self) -> tuple[int, int] | None:
        """(day of a death that was none, day on which that was put right), or None."""
        first, end = (self.birth + moment for moment in self.course.mistaken)
        if not self.course.mistaken[0] or first < self.registered or self.death < end + _APART_DAYS:
            return None
        return first, end

    @property
    def misspelt_until(self) -> int:
        """The day on which the register put her misspelt given name right; 0: it never was."""
        moment = self.registered + self.course.misspelt
        return moment if self.course.misspelt and moment <= self.death else 0

    def is_restricted(self, day: int) -> bool:
        """Whether disclosure of where she lives is restricted on a day."""
        times = self.restricted
        return times is not None and times[0] <= day < times[1]


class Population:
    """Everybody, by a seed. Two populations of one seed are the same."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def at(self, birth: int, slot: int) -> Life | None:
        """Who was born on that day (an ordinal) and has that slot; None when nobody does."""
        if not FIRST_BIRTH <= birth <= LAST_BIRTH:
            return None
        life = Life(self, birth, slot)
        return life if life.given else None

    def find(self, code: str) -> Life | None:
        """Who has or had that identity code; None when nobody does."""
        place = place_of(code)
        if place is None:
            return None
        birth, slot = place
        if (life := self.at(birth, slot)) is not None:
            return life
        if slot % NUMBERS % 4 < 2:
            later = self.at(birth, slot + 2)
            if later is not None and later.earlier_code == code:
                return later
        return None

    def known(self, code: str, day: int) -> Life | None:
        """Whose code it is on a day, or was before: None before she is in the register."""
        life = self.find(code)
        if life is None or life.registered > day:
            return None
        # A code that was put right later is nobody's yet.
        return life if code in (life.code_on(day), life.earlier_code) else None

    def born(self, day: int) -> Iterator[Life]:
        """Those who were born in Finland on a day."""
        for slot in range(SLOTS):
            life = self.at(day, slot)
            if life is not None and not life.course.registered:
                yield life


#: The population that all stubs and registers ask: one for all, so that they agree without a word.
POPULATION = Population()


def place_of(code: str) -> tuple[int, int] | None:
    """(ordinal day of birth, slot) of an artificial person's code; None when it can't be one's."""
    read = parse_personal_identity_code(code)
    if read is None or not read.artificial:
        return None
    separators = _SEPARATORS.get(read.birth_date.year // 100, "")
    if code[6] not in separators:
        return None
    slot = separators.index(code[6]) * NUMBERS + read.individual_number - 900
    return read.birth_date.toordinal(), slot


def code_of(birth: int, slot: int) -> str:
    """The identity code of a day of birth (an ordinal) and a slot."""
    date = datetime.date.fromordinal(birth)
    separator, number = divmod(slot, NUMBERS)
    return make_personal_identity_code(date, 900 + number, _SEPARATORS[date.year // 100][separator])


def _at(stays: Sequence[tuple[int, int]], day: int) -> int:
    """The home of a day: of the last stay that began by then, or else of the first."""
    home = stays[0][1]
    for since, number in stays:
        if since > day:
            break
        home = number
    return home


def _joined(
    with_whom: Sequence[tuple[int, int]], first: int, end: int, own: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Own stays, but from `first` to before `end` those of somebody else."""
    before = [stay for stay in own if stay[0] < first]
    shared = [(first, _at(with_whom, first))]
    shared += [stay for stay in with_whom if first < stay[0] < end]
    return [*before, *shared, (end, _at(own, end)), *(stay for stay in own if stay[0] > end)]


def _moves(stays: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Stays without those that are no move."""
    last = None
    for since, number in stays:
        if number != last:
            yield since, number
        last = number
