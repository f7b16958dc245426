"""Kelmu's messages: queries of benefit data, the register's answer, information requests; all modelled, no rights and no rules."""
