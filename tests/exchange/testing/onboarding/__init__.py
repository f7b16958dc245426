"""Tests of onboarding: partners that are right, and partners with one fault each."""
