"""Kelmu's messages: queries, the register's answer, information requests; all modelled, no rights
and no rules.
"""
