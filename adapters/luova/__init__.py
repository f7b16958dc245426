"""Luova: the general channel between Kela's systems and stakeholders' systems (modelled); its
families are in `schemas`.
"""
