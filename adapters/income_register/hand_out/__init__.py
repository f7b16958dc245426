"""What the register hands out: answers to queries and extractions for subscriptions, from
the deliveries that it holds; `orders` says what may be asked for.
"""
