"""Load tests with locust: an open model of the published flows; imports nothing of the product,
which gevent would change under it.
"""
