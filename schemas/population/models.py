"""The answer of the VTJ change interface (`POST /muutokset`); the groups inside it are in `groups`.

Source: Digital and Population Data Services Agency, VTJ change interface (VTJmutpa), `muutokset`
response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from exchange.schemas.fields import PersonalIdentityCode, UtcDateTime
from exchange.schemas.population.groups import AnyGroup

if TYPE_CHECKING:
    Groups = list[Any]
else:
    Groups = list[AnyGroup]

#: The number of a change in the register's log, 64 bits.
ChangeKey = Annotated[int, Field(ge=0, le=2**63 - 1)]
#: Most changes in one message (*modelled*; the interface pages by its key without saying how many
#: come at once).
CHANGES_MAX = 10_000


class Change(BaseModel):
    """The changes of one person at one time. Readers of the interface ignore further members."""

    model_config = ConfigDict(strict=True, extra="ignore")

    henkilotunnus: PersonalIdentityCode
    muutospv: UtcDateTime
    tietoryhmat: Annotated[Groups, Field(min_length=1)]


class Changes(BaseModel):
    """The whole answer. `viimeisinKirjausavain` is the cursor for the next one; `ajanTasalla` false
    says that more is waiting.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    viimeisinKirjausavain: ChangeKey
    muutokset: Annotated[list[Change], Field(max_length=CHANGES_MAX)]
    ajanTasalla: bool
