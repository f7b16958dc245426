"""Tests of Luova: its parts and its families."""
