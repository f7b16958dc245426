"""What-if scenarios: changes to the workload, to the partners and to the plan, as a user writes
them; nothing that runs them.

STREAM=+20%              a stream of the workload, with all that it causes, a fifth larger (-20%, x2
likewise) partner+ID=OTHER         a further partner that sends and gets as much as OTHER does
cut:PARTNER=FROM..UNTIL  a partner that nothing comes from or gets to on those days; it sends its
backlog on the next one interface=2025           the changes that a scenario file of that name lists
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from exchange.partners.stub import Flow
from exchange.schemas.directory import Directory, Partner
from exchange.schemas.identifiers import make_business_id
from exchange.simulation.calendar import days_of, midnight, span_of
from exchange.simulation.plan import Plan, Planned, alongside, readings_of
from exchange.simulation.rounding import nearest, share
from exchange.simulation.workload import Reading, Workload

#: How many times a stream's messages there may be.
FACTOR_MAX = 10_000
FOLDER = Path(__file__).with_name("interfaces")
_FACTOR = re.compile(r"([+-]\d+(?:\.\d+)?)%|x(\d+(?:\.\d+)?)")
#: Business ids of added partners begin here; synthetic like all others.
_BUSINESS_ID_FIRST = 3_900_000
#: Codes of added institutions of EESSI begin here, which no institution of the directory has.
_INSTITUTION_FIRST = 9_900


@dataclass(frozen=True, slots=True)
class Cut:
    """A partner that is cut off from `first` to `last`, both included."""

    partner: str
    first: datetime.date
    last: datetime.date

    def covers(self, partner: str, at: int) -> bool:
        """Whether that partner is cut off at that time (milliseconds)."""
        return partner == self.partner and midnight(self.first) <= at < midnight(
            self.last + datetime.timedelta(days=1)
        )


@dataclass(frozen=True, slots=True)
class Scenario:
    """Changes, in the order given; `texts` are as the user wrote them."""

    texts: tuple[str, ...] = ()
    factors: tuple[tuple[str, Fraction], ...] = ()
    added: tuple[tuple[str, str], ...] = ()
    cuts: tuple[Cut, ...] = ()

    def plan(self, base: Plan, workload: Workload, flows: Sequence[Flow]) -> Plan:
        """The ordinary year's plan with the changes, and nothing else changed: an untouched flow
        keeps its days and its number, by which chance is drawn. `flows` are those of the partners
        with the added ones.

        Raises:
            ValueError: when there is no such stream, no such day, or no room for a partner beside
                the one that it is to be like.
        """
        planned = list(base.planned)
        for name, factor in self.factors:
            workload.stream(name)
            own = [number for number, each in enumerate(planned) if each.stream.id == name]
            for number, grown in zip(own, _times([planned[n] for n in own], factor), strict=True):
                planned[number] = grown
        readings = list(base.readings)
        if self.added:
            planned, readings = self._with_added(planned, readings, workload, flows)
        return self.cut(replace(base, planned=planned, readings=readings))

    def _with_added(
        self,
        planned: list[Planned],
        readings: list[tuple[Flow, Reading]],
        workload: Workload,
        flows: Sequence[Flow],
    ) -> tuple[list[Planned], list[tuple[Flow, Reading]]]:
        """The added partners' flows, like those of the partners that they copy, come last; all
        flows know the added partners as receivers.
        """
        now = {(flow.partner, flow.name): flow for flow in flows}
        planned = [replace(each, flow=now[each.flow.partner, each.flow.name]) for each in planned]
        readings = [(now[flow.partner, flow.name], reading) for flow, reading in readings]
        known = {(flow.partner, flow.name) for flow, _ in readings}
        for name, model in self.added:
            before = len(planned)
            for each in planned[:before]:
                partner = name if each.flow.partner == model else each.flow.partner
                flow = now.get((partner, each.flow.name.replace(model, name)))
                if flow is not None and flow is not each.flow:
                    planned.append(replace(each, flow=flow))
            if len(planned) == before:
                raise ValueError(
                    f"--what-if: partner+{name}={model}: there is only one such partner as {model}; "
                    "one that can have another beside it is, say, a county, a fund or a bank"
                )
        readings += [
            (flow, reading)
            for flow, reading in readings_of(workload, flows)
            if (flow.partner, flow.name) not in known
        ]
        return planned, readings

    def directory(self, directory: Directory) -> Directory:
        """The partners with those added.

        Raises:
            ValueError: when a partner to be like is unknown, or an id is taken.
        """
        partners = list(directory)
        for number, (name, model) in enumerate(self.added):
            like = directory.get(model)
            if like is None or directory.get(name) is not None:
                wrong = (
                    f"{model} is unknown; name a partner of the directory to be like"
                    if like is None
                    else f"{name} is taken; choose an id that no partner has"
                )
                raise ValueError(f"--what-if: partner+{name}={model}: {wrong}")
            partners.append(_like(like, name, number))
        for cut in self.cuts:
            if all(partner.id != cut.partner for partner in partners):
                raise ValueError(
                    f"--what-if: cut: no partner {cut.partner!r}; name one of the directory"
                )
        return Directory(partners) if self.added else directory

    def cut(self, plan: Plan) -> Plan:
        """The plan in which a partner that is cut off sends what it has on the first day after."""
        days = days_of(plan.year)
        for cut in self.cuts:
            if cut.first < days[0] or cut.last >= days[-1]:
                raise ValueError(
                    f"--what-if: cut: {cut.first}..{cut.last} does not lie in {plan.year}, with a "
                    "day after it"
                )
            first, last = days.index(cut.first), days.index(cut.last)
            plan = replace(
                plan,
                planned=[
                    _postponed(each, first, last) if each.flow.partner == cut.partner else each
                    for each in plan.planned
                ],
            )
        return plan

    def is_cut(self, partner: str, at: int) -> bool:
        """Whether a partner is cut off at that time (milliseconds)."""
        return any(cut.covers(partner, at) for cut in self.cuts)


def scenario_of(texts: Sequence[str]) -> Scenario:
    """Read changes as a user writes them.

    Raises:
        ValueError: when one is none.
    """
    factors: list[tuple[str, Fraction]] = []
    added, cuts = [], []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise ValueError(f"--what-if: {text!r} is no change such as STREAM=+20%")
        if name == "interface":
            factors += _interface(value)
        elif name.startswith("partner+"):
            added.append((name.removeprefix("partner+"), value))
        elif name.startswith("cut:"):
            cuts.append(_cut(text, name.removeprefix("cut:"), value))
        else:
            factors.append((name, _factor(text, value)))
    return Scenario(tuple(texts), tuple(factors), tuple(added), tuple(cuts))


def _factor(text: str, value: str) -> Fraction:
    match = _FACTOR.fullmatch(value)
    if match is None:
        raise ValueError(f"--what-if: {text!r}: {value!r} is no change such as +20%, -5% or x2")
    factor = 1 + Fraction(match[1]) / 100 if match[1] else Fraction(match[2])
    if factor < 0:
        raise ValueError(f"--what-if: {text!r}: there is no less than nothing: at least -100%")
    if factor > FACTOR_MAX:
        raise ValueError(f"--what-if: {text!r}: at most x{FACTOR_MAX}")
    return factor


def _cut(text: str, partner: str, value: str) -> Cut:
    try:
        return Cut(partner, *span_of(value))
    except ValueError as error:
        raise ValueError(f"--what-if: {text!r}: {error}") from error


def _interface(name: str) -> list[tuple[str, Fraction]]:
    path = FOLDER / f"{name}.toml"
    if not name.isalnum() or not path.is_file():
        known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.toml")))
        raise ValueError(f"--what-if: no interface {name!r}; there are: {known}")
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["change"]
    return [
        (entry["stream"], _factor(f"{path.name}: {entry['stream']}", entry["by"]))
        for entry in entries
    ]


def _like(like: Partner, name: str, number: int) -> Partner:
    business_id = make_business_id(_BUSINESS_ID_FIRST + number) if like.business_id else ""
    return replace(
        like,
        id=name,
        name=f"{like.name} (what if: {name})",
        key=f"key-{name}",
        business_id=business_id,
        eessi_id=f"{like.country}:{_INSTITUTION_FIRST + number}" if like.eessi_id else "",
        serves=(),
    )


def _postponed(each: Planned, first: int, last: int) -> Planned:
    def moved(days: Sequence[int]) -> list[int]:
        held = sum(days[first : last + 1])
        return [
            *days[:first],
            *([0] * (last + 1 - first)),
            days[last + 1] + held,
            *days[last + 2 :],
        ]

    return replace(
        each,
        units=moved(each.units),
        holding=moved(each.holding),
        answers=[moved(days) for days in each.answers],
    )


def _times(flows: Sequence[Planned], factor: Fraction) -> list[Planned]:
    """The flows of a stream with so much more (or less) of everything: on each day, at least (at
    most) what there was.
    """
    wholes = [sum(each.units) for each in flows]
    if not any(wholes):
        return list(flows)

    def grown(parts: Sequence[Sequence[int]]) -> list[int]:
        sums = [sum(days) for days in parts]
        return share(nearest(sum(sums) * factor), sums)

    held = grown([each.holding for each in flows])
    answers = [
        grown([each.answers[place] for each in flows])
        for place in range(len(flows[0].stream.answers))
    ]
    units = grown([each.units for each in flows])
    changed = []
    for index, each in enumerate(flows):
        # What is held, or answered, needs a message to be held by or to answer.
        needed = bool(held[index] or any(column[index] for column in answers))
        own = alongside(max(units[index], int(needed)), each.units)
        changed.append(
            replace(
                each,
                units=own,
                holding=alongside(held[index], own),
                answers=[alongside(column[index], own) for column in answers],
            )
        )
    return changed
