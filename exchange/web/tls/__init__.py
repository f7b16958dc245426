"""Listening with TLS: the server's certificate, the handshake, who a client's certificate is."""
