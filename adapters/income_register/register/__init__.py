"""What the register remembers of deliveries and reports, and what it finds there; no rule
of fields.
"""
