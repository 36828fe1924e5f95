"""A card in a reader, both virtual, behind the real pcscd and OpenSC. Debian: pcscd, vsmartcard-vpcd, opensc.

`piv` is the card, in Python; `slot` plugs it into the reader; `reader` runs the two in namespaces of their own.
"""
