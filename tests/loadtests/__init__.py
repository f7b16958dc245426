"""Tests of the load tests; locust itself runs in processes of its own, since gevent changes the
process that imports it.
"""
