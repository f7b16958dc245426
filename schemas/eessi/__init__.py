"""The EESSI family: envelope and SED schemas, message types and the processes (BUCs) as data; no
channel.
"""
