"""How the register is spoken to: SOAP envelopes and faults, WSDLs, requests, and files in
folders; the routes are in `listen.py`.
"""
