"""X-Road's protocols as a security server speaks them to a client: SOAP 4.0, REST 1 and the
metadata services; no sockets and no services.

Source: X-Road documents pr-mess, pr-rest, pr-meta, pr-mrest and the code of X-Road 7.8.1 (Nordic
Institute for Interoperability Solutions), which decides where they differ.
"""
