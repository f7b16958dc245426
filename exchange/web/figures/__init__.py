"""What operators are told in figures: the overview, today beside earlier days, receivers in
trouble, the process itself.
"""
