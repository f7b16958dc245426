"""Luova: the general channel between Kela's systems and stakeholders' systems (modelled); each of
its families has a folder in `families/` and one in `schemas/`.
"""
