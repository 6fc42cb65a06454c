"""`make attack`: the black-box bars of docs/security-bars.md against a real server on loopback.

Not part of `make test`: it measures time, and fills memory on purpose.
"""
