"""Fixtures of the channel's tests: an exchange with its stubs over sockets."""

from tests.journeys.conftest import gateway

__all__ = ["gateway"]
