"""Earnings data and requests of the unemployment funds, and Kela's benefit data."""
