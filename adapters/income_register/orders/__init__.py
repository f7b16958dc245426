"""What may be asked of the register: kinds of material, what narrows them, and
subscriptions; reads no store.
"""
