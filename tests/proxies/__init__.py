"""Proxies in front of real servers that answer the first requests themselves, as a server that starts would."""
