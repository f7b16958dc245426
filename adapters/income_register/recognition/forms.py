"""Bounded cache of the forms of reports that passed every rule: the patterns of their parts, the
codes in these, and which forms passed together.

Nothing of a person is remembered: of an earner's part only its tags and its codes are, of a
transaction no amount.
"""

from __future__ import annotations

import threading
from collections import Counter
from decimal import Decimal
from functools import lru_cache
from itertools import count

from exchange.adapters.income_register.findings import DEDUCTED_FROM
from exchange.adapters.income_register.recognition.pattern import (
    Leaf,
    Pattern,
    pattern_of,
    skeleton,
)

PATTERNS_MAX = 512
KNOWN_MAX = 4096
#: A pattern is admitted when it has been seen so often: compiling one takes a millisecond.
SEEN_MIN = 4
#: Shapes that one part is tried against.
TRIED_MAX = 12

AMOUNT = b"<Amount>"
#: What rules of a whole report look at beside the amount of a transaction.
_BESIDE = frozenset(
    (b"InsuranceData", b"MealBenefit", b"OtherBenefit", b"DailyAllowance", b"SixMonthRule")
)
_PROFESSION = (b"Profession", b"Type")

#: Places of transactions whose amounts together are no more than those of other places.
Relations = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
#: The forms of a report: of its earner's part, of each transaction, of what follows them (0:
#: nothing does).
Forms = tuple[int, ...]


class FormCache:
    """Patterns and forms that passed the rules, for all deliveries of wages, or of benefits.

    A *form* is a pattern with what is coded in it: a part in one of the `forms` is valid by the
    schema. `codes` are its income type, `contents` its class: what the rules of a whole report ask
    of it. `known` are the forms that the rules found nothing in, by what they ask of the delivery
    (its context); `together` the classes that may stand in one report there.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        #: Held while forms are admitted; what is known is only ever looked up without it.
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything; numbers are never given twice, so that nothing old can be taken for
        something new.
        """
        self.patterns: dict[object, list[Pattern]] = {}
        self.forms: dict[object, int] = {}
        self.codes: dict[int, bytes] = {}
        self.contents: dict[int, int] = {}
        self.known: set[tuple[int, int]] = set()
        self.classes: dict[object, int] = {}
        self.together: set[tuple[int, ...]] = set()
        self.relations: dict[Forms, Relations] = {}
        #: Forms of transactions that recur, by the bytes before and after their amount.
        self.lines: dict[tuple[bytes, bytes], int] = {}
        self.seen: Counter[int] = Counter()

    def find(self, key: object, part: bytes) -> tuple[Pattern, tuple[bytes, ...]] | None:
        """The pattern that a part is written in, and its values; the one found last is tried
        first.
        """
        tried = self.patterns.get(key)
        if tried is None:
            return None
        for index, pattern in enumerate(tried):
            if (match := pattern.match(part)) is not None:
                if index:
                    # A new list, because another thread may be going through the old one.
                    self.patterns[key] = [pattern, *tried[:index], *tried[index + 1 :]]
                return pattern, match.groups()
        return None

    def admit(self, key: object, part: bytes) -> bool:
        """Admit the pattern of a part when it has been seen often enough; whether it was admitted
        now.
        """
        bones = hash(skeleton(part))
        if len(self.seen) >= KNOWN_MAX:
            self.seen.clear()
        self.seen[bones] += 1
        if (
            self.seen[bones] < SEEN_MIN
            or (pattern := pattern_of(part, next(self._numbers))) is None
        ):
            return False
        held = max(len(self.forms), len(self.known), len(self.together))
        if sum(map(len, self.patterns.values())) >= PATTERNS_MAX or held >= KNOWN_MAX:
            self.clear()
        self.patterns[key] = [pattern, *self.patterns.get(key, ())][:TRIED_MAX]
        return True

    def relations_in(self, forms: Forms) -> Relations | None:
        """How amounts in a report in these forms must stand to each other; None when a form was
        forgotten. Numbers of forms are never given twice, so what is remembered stays right.
        """
        together = self.relations.get(forms)
        if together is None:
            codes = [self.codes.get(form) for form in forms[:-1]]
            if None in codes:
                return None
            if len(self.relations) >= KNOWN_MAX:
                self.relations.clear()
            together = self.relations[forms] = relations_of(tuple([code or b"" for code in codes]))
        return together

    def class_of(self, content: object) -> int:
        """A number for what the rules of a whole report ask of a part."""
        if len(self.classes) >= KNOWN_MAX:
            self.clear()
        return self.classes.setdefault(content, next(self._numbers))

    def form_of(self, key: object, code: bytes, content: object) -> int:
        """The number of a form, by the form beside it, its pattern and what is coded; with a
        transaction's income type, and with what the rules of a whole report ask of the part.
        """
        form = self.forms.get(key)
        if form is None:
            form = next(self._numbers)
            self.codes[form], self.contents[form] = code, self.class_of(content)
            self.forms[key] = form
        return form

    def know(self, context: int, forms: Forms) -> None:
        """Remember that the rules found nothing in a report in these forms."""
        classes = [self.contents.get(form, 0) for form in forms if form]
        if 0 in classes:
            # They were forgotten meanwhile.
            return
        self.known.update((context, form) for form in forms)
        self.together.add((context, *classes[: len(forms) - 1]))

    def fine(self, context: int, forms: Forms) -> bool:
        """Whether a report in these forms (of its earner, of each transaction, of what follows them
        or 0) is fine in a context.
        """
        known, contents = self.known, self.contents
        classes = [contents.get(form, 0) for form in forms[:-1]]
        return (context, *classes) in self.together and all(
            (context, form) in known for form in forms if form
        )


def of_earner(part: bytes, held: list[Leaf]) -> object:
    """What the rules that also look at the income ask of an earner's part: insurances, professions,
    kinds of earner.
    """
    asked = (b"ExceptionCode", b"IncomeEarnerType", b"NonResident", b"PensionActCode")
    return (
        "earner",
        *(
            (leaf.path[-1], part[leaf.start : leaf.end])
            for leaf in held
            if leaf.path[-1] in asked or leaf.path[-2:] == _PROFESSION
        ),
    )


def of_transaction(part: bytes, held: list[Leaf]) -> object:
    """What the rules of a whole report ask of a transaction: income type, flags, and what stands
    beside the amount.
    """
    asked = (b"TransactionCode", b"Recovery", b"UnjustEnrichment")
    return (
        "transaction",
        any(leaf.path[-1] == b"Amount" for leaf in held),
        *(
            (leaf.path[-1], part[leaf.start : leaf.end])
            for leaf in held
            if leaf.path[-1] in asked or _BESIDE & set(leaf.path)
        ),
    )


@lru_cache(maxsize=KNOWN_MAX)
def relations_of(codes: tuple[bytes, ...]) -> Relations:
    """Of the transactions with these income types, those whose amounts together are no more than
    those of others; by their places in the report.
    """
    texts = [code.decode() for code in codes]
    relations: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for code, sources in DEDUCTED_FROM.items():
        own = tuple(index for index, text in enumerate(texts) if text == code)
        if own:
            relations.append(
                (own, tuple(index for index, text in enumerate(texts) if text in sources))
            )
    wholes = tuple(index for index, text in enumerate(texts) if text == "101")
    for index, text in enumerate(texts):
        if text in ("102", "103", "104", "105", "106"):
            relations.append(((index,), wholes[:1]))
    return tuple(relations)


def are_related(relations: Relations, lines: list[bytes]) -> bool:
    """Whether amounts together are no more than those that they are made from; places count from 1,
    for the earner's part is 0.
    """
    amounts = [line.partition(AMOUNT)[2].partition(b"<")[0].decode() or "0" for line in lines]
    numbers = [Decimal(amount) for amount in ("0", *amounts)]
    return all(
        sum(numbers[index] for index in own) <= sum(numbers[index] for index in of)
        for own, of in relations
    )
