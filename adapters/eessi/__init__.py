"""The channel eessi: SEDs in business document headers between Finnish and foreign institutions,
and the rules of their cases.
"""
