"""The questions of the VTJ change interface and its answers but for the changes, which are
`population.changes`.

Source: Digital and Population Data Services Agency, VTJ change interface (VTJmutpa):
`kirjausavain`, `muutokset` and `perustiedot`, as two of its public clients use them (City of Espoo,
eVaka; Finnish National Agency for Education, Oppijanumerorekisteri).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from exchange.schemas.fields import PersonalIdentityCode, Text
from exchange.schemas.population.groups import AnyGroupOfBasicData
from exchange.schemas.population.models import ChangeKey

if TYPE_CHECKING:
    Groups = list[Any]
else:
    Groups = list[AnyGroupOfBasicData]

#: Most persons whose basic data are asked for at once (eVaka: "DVV allows up to 1000 SSNs per
#: call"; another public client asks 100).
BASIC_DATA_PERSONS_MAX = 1_000


class ChangesQuery(BaseModel):
    """What changed after a key. Of the persons listed; without a list, of the asker's own people
    (*modelled*: a municipality gets the changes of its residents, dvv.fi).
    """

    model_config = ConfigDict(strict=True, extra="ignore")

    viimeisinKirjausavain: ChangeKey
    hetulista: list[PersonalIdentityCode] | None = None


class BasicDataQuery(BaseModel):
    """What the register has of some persons now, of all groups or of some."""

    model_config = ConfigDict(strict=True, extra="ignore")

    hetulista: Annotated[list[PersonalIdentityCode], Field(max_length=BASIC_DATA_PERSONS_MAX)]
    tietoryhmat: list[Text] | None = None


class BasicDataOfPerson(BaseModel):
    """One person's groups."""

    model_config = ConfigDict(strict=True, extra="ignore")

    henkilotunnus: PersonalIdentityCode
    tietoryhmat: Groups


class BasicData(BaseModel):
    """The answer about basic data; who is unknown is left out."""

    model_config = ConfigDict(strict=True, extra="ignore")

    perustiedot: Annotated[list[BasicDataOfPerson], Field(max_length=BASIC_DATA_PERSONS_MAX)]
    ajanTasalla: bool


class FirstKey(BaseModel):
    """The key from which on a day's changes are read."""

    model_config = ConfigDict(strict=True, extra="ignore")

    viimeisinKirjausavain: ChangeKey
