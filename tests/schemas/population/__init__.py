"""Tests of the population register's vocabulary."""
