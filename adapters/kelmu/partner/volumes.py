"""How much each sector sends over Kelmu in a year, and how large its organisations are."""

from __future__ import annotations

#: Queries in 2024 through the user interface (Tietotilinpäätös 2024); what is left of 6,025,122 is
#: put to the other authorities.
UI_QUERIES = {
    "municipality": 383_526,
    "wellbeing-county": 4_505_175,
    "helsinki": 840_666,
    "other-authority": 295_755,
}
#: Queries in 2024 through the technical interface: the work pension sector's are published, and
#: 1,320,523 in all. That the rest is the unemployment funds' and other authorities' is our
#: assumption, as is how much of it is in bulk, and that none of it is a county's.
API_QUERIES = {
    "pension-institution": 793_214,
    "unemployment-fund": 131_309,
    "other-authority": 393_000,
}
BULK_QUERIES = {"pension-institution": 3_000, "wellbeing-county": 0, "helsinki": 0}
INFORMATION_REQUESTS = 1_447
#: The part of the wellbeing services counties that had taken information requests into use at the
#: end of 2024 (Tietotilinpäätös 2024). That these are the largest ones is *modelled*.
ASKED_SHARE = 0.73
#: How many of the following there are a year is not published, so all of it is *modelled*. A
#: county's officials send some documents, and get some notices, for every hundred of its queries;
#: each of the 292 municipalities of the mainland fetches its two lists every month, a county two a
#: month and one in January and July, Helsinki all of them; whoever provides social services opens
#: the work list on every working day.
DOCUMENTS = 24_000
NOTICES = 30_000
LISTS = {"municipality": 7_008, "wellbeing-county": 546, "helsinki": 50}
WORK_LISTS_EACH = 250
#: Residents in thousands at the end of 2023 (Statistics Finland, population structure), by which
#: the queries and requests of a sector are shared out among its organisations. That they ask by
#: size is *modelled*.
RESIDENTS = {
    "county.ita-uusimaa": 99,
    "county.keski-uusimaa": 206,
    "county.lansi-uusimaa": 493,
    "county.vantaa-kerava": 286,
    "county.varsinais-suomi": 491,
    "county.satakunta": 211,
    "county.kanta-hame": 169,
    "county.pirkanmaa": 545,
    "county.paijat-hame": 204,
    "county.kymenlaakso": 158,
    "county.etela-karjala": 125,
    "county.etela-savo": 129,
    "county.pohjois-savo": 248,
    "county.pohjois-karjala": 162,
    "county.keski-suomi": 273,
    "county.etela-pohjanmaa": 190,
    "county.pohjanmaa": 178,
    "county.keski-pohjanmaa": 68,
    "county.pohjois-pohjanmaa": 418,
    "county.kainuu": 70,
    "county.lappi": 176,
    "helsinki": 675,
    "municipality.espoo": 314,
    "municipality.tampere": 255,
    "municipality.turku": 202,
    "municipality.oulu": 215,
    "municipality.vaasa": 69,
    "municipality.sodankyla": 8,
    "municipality.mariehamn": 12,
}
#: The size of an organisation that has none above.
RESIDENTS_OF_OTHERS = 100
