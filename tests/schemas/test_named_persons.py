"""Which persons a message names: valid codes as they stand, each once, up to a bound."""

from __future__ import annotations

from exchange.schemas.named_persons import named_persons


def test_valid_codes_are_told_once_in_their_order() -> None:
    body = (
        b'{"a":"140890-9445","b":["140890-9423","140890-9445","140890-9424"],'
        b'"c":"990890-9423","d":"220984V9880"} 010190-90'
    )
    assert named_persons(body) == ("140890-9445", "140890-9423", "220984V9880")
    assert named_persons(b"<p>140890-942\n3</p>") == ()
    assert named_persons(b"140890-9445 140890-9423", most=1) == ("140890-9445",)
