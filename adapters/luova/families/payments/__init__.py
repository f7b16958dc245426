"""Kela's payments to its banks: ISO 20022 credit transfers."""
