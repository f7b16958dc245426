"""Tests of the Incomes Register channel; what every channel must hold is in tests/conformance."""
