"""What one extraction of a subscription covers: the messages committed since the last
extraction and up to its beginning, as far as they were received in its time.

Time alone does not tell what is new: a message may be committed after the extraction whose time it
was received in. It belongs to the next one. A message that was received after an extraction's end,
and committed before the extraction began, is left for the next one as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exchange.adapters.income_register.orders.subscription import span
from exchange.ports import Desk
from exchange.schemas.envelope import Envelope


@dataclass(slots=True)
class Extent:
    """Messages with positions in (`after`, `last`] that were received in `times` ([start, end),
    milliseconds), but for a continued subscription also those received earlier that were committed
    after position `covered`, up to which everything received before the start was handed on.
    """

    times: tuple[int, int]
    after: int
    last: int
    covered: int
    continued: bool
    #: When the extraction is made (milliseconds): what was received later was received before the
    #: clock stepped back, and is not left until the clock has come there again.
    made_at: int = 1 << 62
    #: The first position of what is left for the next extraction; 0 while nothing is.
    first_left: int = 0

    def covers(self, envelope: Envelope) -> bool:
        """Whether a message with a position in the extent belongs to it."""
        start, end = self.times
        if end <= envelope.received_at <= self.made_at:
            self.first_left = min(self.first_left or envelope.position, envelope.position)
            return False
        late = self.continued and envelope.position > self.covered
        return late or envelope.received_at >= start

    @property
    def left(self) -> int:
        """The position after which the next extraction looks, once this one has looked at all."""
        return self.first_left - 1 if self.first_left else self.last


async def extent_of(data: dict[str, Any], at: int, last: int, desk: Desk) -> Extent:
    """What the extraction of a subscription covers that is due at a time and looks at positions up
    to `last`.
    """
    times = span(data, at)
    if data["until"] and data.get("position"):
        return Extent(
            times=times,
            after=data["left"],
            last=last,
            covered=data["position"],
            continued=True,
            made_at=desk.now(),
        )
    # The first, or the first since there are positions.
    after = await desk.position_before(times[0])
    return Extent(
        times=times,
        after=after,
        last=last,
        covered=after,
        continued=bool(data["until"]),
        made_at=desk.now(),
    )
