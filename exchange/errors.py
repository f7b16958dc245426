"""The error tree of the exchange; answers to a sender are values (`Rejected` outcomes, refusals).

- `ExchangeError`: the root; anything else that escapes is a bug

  - `SettingsError`: a setting is unknown, missing or contradicts another
  - `DiscoveryError`: an adapter folder declares no channel as the conformance suite asks
  - `LedgerError`: the ledger can't do what was asked

    - `LedgerClosed`: it is not open, or is closing
    - `LedgerUnavailable`: it can't be read or written just now: a full disk, say

      - `LedgerDamaged`: it is damaged, or no ledger at all: not before a backup is restored
      - `LedgerLost`: it was deleted or replaced while it was open: the service ends

        - `NodeLost`: another process has become this node of it: as another node it may go on

  - `Owned`: another process owns the ledger or the port that was asked for
  - `OperatorError`: there is no such operator, or already one of that name
  - `PartnerError`: a partner can't be added, or given another key
  - `JobRunning`: dead letters are being sent again by a filter already
  - `ApiError`: a running exchange refused an operator's command, or none answers
  - `Full`: a receiver, or the exchange, has as much waiting as it may
  - `ScaffoldError`: a channel or family can't be written as asked
  - `Unreachable`: a partner gave no usable response (the delivery will be tried again)
  - `Unroutable`: a valid message that nobody may or can receive; has a stable reason code
  - `UnknownMessageType`: no such type in the catalogue
"""

from __future__ import annotations


class ExchangeError(Exception):
    """The root; anything else that escapes is a bug."""


class SettingsError(ExchangeError):
    """A setting is unknown, missing or contradicts another."""


class DiscoveryError(ExchangeError):
    """An adapter folder does not declare a channel."""


class LedgerError(ExchangeError):
    """The ledger can't do what was asked."""


class LedgerClosed(LedgerError):
    """The ledger is not open, or is closing."""


class LedgerUnavailable(LedgerError):
    """It can't be read or written just now; the message says why in one line."""


class LedgerDamaged(LedgerUnavailable):
    """It is damaged, or no ledger at all."""


class LedgerLost(LedgerUnavailable):
    """It was deleted, or replaced by another or an older one, while it was open: what is written
    goes nowhere.
    """


class NodeLost(LedgerLost):
    """It is there, and another process has become this node of it."""


class Owned(ExchangeError):
    """Another process owns the ledger or the port that was asked for."""


class OperatorError(ExchangeError):
    """There is no such operator, or already one of that name."""


class PartnerError(ExchangeError):
    """A partner can't be added to the running exchange, or given another key."""


class JobRunning(ExchangeError):
    """Dead letters are being sent again by a filter already; one job runs at a time."""


class ApiError(ExchangeError):
    """A running exchange refused an operator's command, or none answers."""


class Full(ExchangeError):
    """As much waits for a receiver (empty: in all) as may; nothing was taken in."""

    def __init__(self, receiver: str, message: str) -> None:
        super().__init__(message)
        self.receiver = receiver


class ScaffoldError(ExchangeError):
    """A channel or family can't be written: a name that can't be one, or a folder that is there."""


class Unreachable(ExchangeError):
    """A partner gave no usable response within the time allowed."""


class Unroutable(ExchangeError):
    """A valid message that nobody may or can receive. `reason` is a stable code such as
    `receiver-unknown`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnknownMessageType(ExchangeError):
    """No such message type in the catalogue."""
