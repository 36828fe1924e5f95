"""Signing keys in a PKCS#11 token, from which they never come out. Needs the extra `hsm`."""
