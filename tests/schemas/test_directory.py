"""The directory of partners: the one that ships, one of one's own, and each fault told with its
place.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from exchange.schemas import directory
from exchange.schemas.directory import SECTORS, Partner
from exchange.schemas.identifiers import is_business_id


def test_the_directory_of_the_product() -> None:
    everybody = directory.load()
    assert len(everybody) >= 55
    assert {partner.sector for partner in everybody} <= set(SECTORS)
    for partner in everybody:
        assert everybody.get(partner.id) is everybody.by_key(partner.key) is partner
        assert partner.key.startswith("key-"), "plainly synthetic"
        assert not partner.business_id or is_business_id(partner.business_id), partner.id
        assert partner.country == "FI" or partner.sector in ("eessi", "foreign-institution")
        if partner.eessi_id:
            assert everybody.by_eessi_id(partner.eessi_id) is partner
            assert partner.eessi_id.startswith(f"{partner.country}:")
    for values in (
        [each.business_id for each in everybody],
        [service for each in everybody for service in each.serves],
    ):
        assert not [value for value, count in Counter(values).items() if value and count > 1]
    assert (
        everybody.by_key("")
        is everybody.get("")
        is everybody.by_eessi_id("")
        is everybody.by_business_id("")
        is None
    )


ENTRY = '[[partner]]\nid = "a"\nname = "A"\nsector = "bank"\nkey = "k"\neessi_id = "FI:1"\n'


#: The second partner of a file, which begins at line 9 below the first and an empty line.
SECOND = ENTRY.replace('"a"', '"b"').replace('"k"', '"l"').replace("FI:1", "FI:2")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (ENTRY, "a: id a stands twice"),
        (SECOND.replace('"l"', '"k"'), "the same key stands twice: a, b"),
        (SECOND.replace("FI:2", "FI:1"), "b: eessi_id FI:1 stands twice"),
        (SECOND.replace("bank", "bnak"), "b: sector: 'bnak' is none of kela, .* (nearest: bank)"),
        (SECOND.replace('name = "A"\n', ""), "name: missing"),
        (SECOND.replace("name = ", "nmae = "), "nmae: .* no such field (nearest: name)"),
        (SECOND + 'delivery = "mailbx"\n', "'mailbx' is none of 'push' or 'mailbox' (nearest: "),
        (SECOND + "per_second = -1\n", "b: per_second: a number of calls a second"),
        (SECOND + "per_second = inf\n", "b: per_second: a number of calls a second"),
        (SECOND + "body_bytes_max = -1\n", "b: body_bytes_max: bytes, 0 for everybody's limit"),
        (SECOND + 'conflict = "yes"\n', "conflict: 'yes' is none of 'delivered' or 'refused'"),
        (SECOND + 'url = "not a url"\n', "url: 'not a url' is no address such as http://"),
        (SECOND + 'url = "ftp://127.0.0.1"\n', "url: 'ftp://127.0.0.1' is no address"),
        (SECOND + 'url = "http://[::1"\n', "is no address"),
        (SECOND + 'url = "http://127.0.0.1:99999"\n', "is no address"),
        (SECOND + 'country = "Finland"\n', "country: two capital letters"),
        (SECOND + 'business_id = "1234567-8"\n', "business_id: '1234567-8' is none"),
        (SECOND + 'serves = "pay"\n', "serves: input should be a valid tuple, not 'pay'"),
        (SECOND + "serves = [1]\n", "serves.0: input should be a valid string, not 1"),
        (SECOND + 'key_sha256 = ["00"]\n', "key_sha256: each is a SHA-256"),
        (SECOND + 'callback_secret = "l"\n', "callback_secret is the same as a key"),
        (SECOND.replace('"b"', '"B c"'), "B c: id: small letters"),
        (SECOND.replace('"b"', "7"), "id: input should be a valid string, not 7"),
    ],
)
def test_a_fault_in_a_directory_is_told_with_its_line(
    tmp_path: Path, second: str, said: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"# mine\n{ENTRY}\n{second}")
    with pytest.raises(directory.DirectoryFault) as refused:
        directory.load(path)
    told = str(refused.value)
    assert told.startswith(f"{path}:9: ")
    assert "\n" not in told
    for part in said.split(".*"):
        assert part.strip() in told


@pytest.mark.parametrize("field", ["key = 7", 'callback_secret = ["s3cret"]', 'key_sha256 = "s3"'])
def test_no_key_is_repeated_in_a_fault(tmp_path: Path, field: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[partner]]\nid = "a"\nname = "A"\nsector = "bank"\n' + field)
    with pytest.raises(directory.DirectoryFault, match=field.split()[0]) as refused:
        directory.load(path)
    assert field.split("= ")[1].strip('["]') not in str(refused.value).removeprefix(str(path))[2:]


@pytest.mark.parametrize("text", ["", "[[partner]", "[[bank]]\nid = 1", "partner = 1", "a = 1"])
def test_what_is_no_directory_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(directory.DirectoryFault, match=r"mine\.toml: (no TOML|a directory holds)"):
        directory.load(path)


def test_every_fault_is_told_not_the_first(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ENTRY.replace("bank", "x") + SECOND.replace("bank", "y") + "country = 'fi'")
    with pytest.raises(directory.DirectoryFault, match=r"a: sector.*b: sector.*"):
        directory.load(path)


def test_further_files_are_added_and_what_stands_twice_is_told_with_its_line(
    tmp_path: Path,
) -> None:
    first, more = tmp_path / "first.toml", tmp_path / "more.toml"
    first.write_text(ENTRY + 'business_id = "1234567-1"\n')
    more.write_text(f"# mine\n{SECOND}")
    assert [partner.id for partner in directory.load(first, [more])] == ["a", "b"]
    more.write_text(f'# mine\n{SECOND}business_id = "1234567-1"\n')
    with pytest.raises(directory.DirectoryFault) as refused:
        directory.load(first, [more])
    assert str(refused.value) == f"{more}:2: b: business_id 1234567-1 stands twice"


def test_who_has_an_address_or_says_so_is_not_played() -> None:
    assert Partner("a", "A", "bank").is_played
    assert not Partner("a", "A", "bank", url="http://127.0.0.1:1").is_played
    assert not Partner("a", "A", "bank", played=False).is_played


def test_a_directory_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(ENTRY + 'serves = ["pay"]\nurl = "http://127.0.0.1:1"\n')
    mine = directory.load(path)
    assert list(mine) == [
        Partner(
            "a", "A", "bank", eessi_id="FI:1", key="k", url="http://127.0.0.1:1", serves=("pay",)
        )
    ]
    assert mine.serving("pay") is mine.get("a")
    assert mine.in_sector("bank", "tax") == list(mine)
    assert mine.in_sector("tax") == []
