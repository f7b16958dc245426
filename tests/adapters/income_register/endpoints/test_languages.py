"""Texts of errors in the language of the setting, in every answer that tells errors: in real time,
acknowledged, asked for, and of a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange.schemas.income_register.codes import ERRORS_BY_CODE
from tests.adapters.income_register.clients import raw
from tests.adapters.income_register.endpoints.test_files import leave
from tests.adapters.income_register.endpoints.test_services import EMPLOYER, status_of
from tests.adapters.income_register.register.test_versions import ask, delivery, send
from tests.journeys.running import running

SERVICE = "WageReportService"


def faulty(document: Any) -> bytes:
    """The delivery with an unknown income type in its report."""
    code = document.find(".//TransactionBasic/TransactionCode")
    code.text = "999"
    return raw(document)


def without_sender(document: Any) -> bytes:
    """The delivery made by another than its sender."""
    document.find(".//DeliveryDataCreator/Code").text = "2900101-5"
    return raw(document)


@pytest.mark.parametrize("language", ["fi", "sv"])
async def test_errors_are_told_in_the_language_of_the_setting(
    tmp_path: Path, language: str
) -> None:
    (tmp_path / "files" / "income-register" / EMPLOYER).mkdir(parents=True)
    sections = {
        "files": {"directory": tmp_path / "files"},
        "processing": {"feedback_language": language},
    }
    async with running(tmp_path, **sections) as gateway:
        at_once = await send(gateway, SERVICE, "SendWageReport", faulty(delivery(gateway, "L-1")))
        acknowledged = await send(
            gateway,
            SERVICE,
            "SendWageReports",
            without_sender(delivery(gateway, "L-2", real_time=False)),
        )
        later = faulty(delivery(gateway, "L-3", real_time=False))
        await send(gateway, SERVICE, "SendWageReports", later)
        asked = await ask(gateway, "L-3")
        left = await leave(gateway, "100_1", faulty(delivery(gateway, "L-4")))
        misnamed = await leave(gateway, "one", faulty(delivery(gateway, "L-5")))
    replies = (at_once, acknowledged, asked, left, misnamed)
    assert [status_of(each) for each in replies] == ["5", "4", "5", "5", "4"]
    for reply in replies:
        told = [
            [error.findtext(name) for name in ("ErrorCode", "ErrorMessage", "ErrorDetails")]
            for error in reply.iter("ErrorInfo")
        ]
        assert told
        for code, message, details in told:
            error = ERRORS_BY_CODE[code]
            assert message == getattr(error, language)
            assert error.en not in details, "the text of a code is told once, in the language"
