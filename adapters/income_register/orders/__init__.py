"""What may be asked of the register: QueryDataTypes, the conditions that narrow
them, and subscriptions; reads no store.
"""
