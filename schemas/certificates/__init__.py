"""Medical certificates that Kanta passes on to Kela: HL7 CDA R2 as Finland uses it; what stands in
each form is modelled.
"""
