"""Publishers' own schema packages: found complete or refused with the names of what lacks; no real
package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.assembly import checking
from exchange.errors import SettingsError
from exchange.schemas import official
from exchange.schemas.catalogue import DEFAULT_FOLDER, Catalogue
from exchange.settings import Settings, load
from tests.architecture.tree import ROOT

FAMILY = "income_register"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package made of the product's own schemas under the publisher's names."""
    folder = tmp_path / "package"
    folder.mkdir()
    for path in (DEFAULT_FOLDER / FAMILY).glob("*.xsd"):
        shutil.copy(path, folder)
    for message_type in Catalogue.load():
        if message_type.official:
            shutil.copy(message_type.folder / message_type.schema, folder / message_type.official)
    return folder


def test_the_package_is_what_messages_are_judged_by(package: Path) -> None:
    echo = package / "Echo.xsd"
    echo.write_text(echo.read_text().replace('name="Echo"', 'name="Reply"'))
    body = b'<e:Echo xmlns:e="http://www.tulorekisteri.fi/2017/1/Echo"><Data>a</Data></e:Echo>'
    ours = checking(Settings()).check(body)
    theirs = checking(Settings(schemas={"official": {FAMILY: package}})).check(body)
    assert [each.rule for each in ours.violations] == ["xsd.element-missing"]
    assert [each.rule for each in theirs.violations] != ["xsd.element-missing"]
    assert not theirs.valid
    assert theirs.message_type == "income-register.echo"


def test_other_families_stay_as_they_are(package: Path) -> None:
    ours, theirs = Catalogue.load(), official.load({FAMILY: package})
    for one, other in zip(ours, theirs, strict=True):
        assert (one == other) == (one.folder.name != FAMILY or not one.official)


def test_what_a_package_lacks_is_named_every_file_of_it(package: Path) -> None:
    (package / "Echo.xsd").unlink()
    (package / "types.xsd").unlink()
    with pytest.raises(
        SettingsError, match=r"^schemas\.official_income_register: .* lacks Echo\.xsd, types\.xsd$"
    ):
        checking(Settings(schemas={"official_income_register": package}))


def test_a_file_that_is_no_schema_is_named(package: Path) -> None:
    (package / "Echo.xsd").write_text("<broken")
    with pytest.raises(SettingsError, match=r"official_income_register: .*Echo\.xsd"):
        checking(Settings(schemas={"official": {FAMILY: package}}))
    (package / "Echo.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element '
        'type="none"/></xs:schema>'
    )
    with pytest.raises(SettingsError, match=r"official_income_register: Echo\.xsd"):
        checking(Settings(schemas={"official": {FAMILY: package}}))


def test_a_family_without_official_schemas_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r"official_kelmu: no such family; there are: income_register"
    ):
        checking(Settings(schemas={"official_kelmu": "anywhere"}))


def test_the_key_of_a_family_works_in_the_file_and_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exchange.toml").write_text('[schemas]\nofficial_income_register = "from-file"\n')
    assert load().schemas.official == {FAMILY: Path("from-file")}
    monkeypatch.setenv("EXCHANGE_SCHEMAS__OFFICIAL_INCOME_REGISTER", "from-environment")
    assert load().schemas.official == {FAMILY: Path("from-environment")}
    monkeypatch.setenv("EXCHANGE_SCHEMAS__OFFICAL", "x")
    with pytest.raises(SettingsError, match="offical"):
        load()


def test_the_command_line_names_what_a_package_lacks(package: Path) -> None:
    (package / "Echo.xsd").unlink()
    environment = {
        **os.environ,
        "EXCHANGE_SCHEMAS__OFFICIAL_INCOME_REGISTER": str(package),
        "COLUMNS": "400",
    }
    called = subprocess.run(
        [sys.executable, "-m", "exchange", "validate", str(package / "AckFromIR.xsd")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert called.returncode == 2
    assert "lacks Echo.xsd" in " ".join(called.stderr.split())
