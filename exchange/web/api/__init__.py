"""The operators' API under /api/v1: its operations and the schemas of what they take and tell."""
