"""Payment messages from Kela to its banks: ISO 20022 pain.001.001.09 as Finnish banks take it;
names, order and codes are published.
"""
