"""Tests of the web surfaces."""
