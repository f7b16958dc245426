"""Common Finnish given and family names, from which artificial persons are put together by chance;
nobody's name is meant.
"""

from __future__ import annotations

MEN = [
    "Aarne", "Aki", "Antti", "Arto", "Eero", "Eetu", "Elias", "Erkki", "Esa", "Hannu", "Harri",
    "Heikki", "Ilmari", "Jaakko", "Jari", "Jorma", "Juhani", "Jukka", "Kalevi", "Kari", "Lauri",
    "Leo", "Markus", "Martti", "Matti", "Mika", "Mikael", "Niilo", "Oiva", "Olavi", "Onni",
    "Otso", "Paavo", "Pekka", "Pentti", "Reijo", "Risto", "Sami", "Seppo", "Tapio", "Tauno",
    "Teemu", "Timo", "Toivo", "Tuomas", "Urho", "Veikko", "Ville", "Väinö",
]  # fmt: skip
WOMEN = [
    "Aino", "Aleksandra", "Anna", "Anneli", "Annika", "Armi", "Eeva", "Eila", "Elina", "Elli",
    "Emilia", "Eveliina", "Hanna", "Heidi", "Helmi", "Hilja", "Iida", "Inkeri", "Irma",
    "Johanna", "Kaarina", "Kaisa", "Katri", "Kerttu", "Kirsi", "Laura", "Leena", "Liisa",
    "Maija", "Maria", "Marjatta", "Minna", "Mirja", "Noora", "Oona", "Päivi", "Pirkko", "Raija",
    "Ritva", "Saara", "Sanna", "Satu", "Sirpa", "Sofia", "Tarja", "Tuula", "Tyyne", "Venla",
    "Vilma",
]  # fmt: skip
LAST_NAMES = [
    "Aalto", "Ahonen", "Anttila", "Eskola", "Haapala", "Hakala", "Heikkinen", "Heinonen",
    "Hiltunen", "Hämäläinen", "Jokinen", "Järvinen", "Kallio", "Karjalainen", "Kettunen",
    "Kinnunen", "Koivisto", "Korhonen", "Koskinen", "Kärkkäinen", "Laaksonen", "Lahtinen",
    "Laine", "Lehtonen", "Leppänen", "Lindqvist", "Manninen", "Mattila", "Miettinen", "Mikkola",
    "Mäkelä", "Mäkinen", "Nieminen", "Niemi", "Nurmi", "Ojala", "Pitkänen", "Rantanen",
    "Räsänen", "Saarinen", "Salminen", "Salo", "Savolainen", "Seppälä", "Suominen", "Toivonen",
    "Tuominen", "Turunen", "Virtanen", "Väisänen", "Ylitalo",
]  # fmt: skip
