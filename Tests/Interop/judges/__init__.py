"""Judges of the log, its receipts and its attestations: what others wrote, with as little of ours around it as can be.

Each raises `Refused` where something does not hold.
"""


class Refused(AssertionError):
    """What was shown does not hold."""
