"""VTJkysely: what the register has of one person, asked for by SOAP; the same population and rights
as the change interface.
"""
