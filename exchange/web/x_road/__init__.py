"""The exchange as the security servers of X-Road between its partners and the services that its
channels offer; signing and transport between servers are left out.
"""
