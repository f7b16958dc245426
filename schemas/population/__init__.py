"""Changes of persons' data in the population register, as the VTJ change interface gives them; no
polling and no queries.
"""
