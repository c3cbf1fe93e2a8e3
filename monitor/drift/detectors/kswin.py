"""KSWIN: a Kolmogorov-Smirnov test of the last 30 values against 30 drawn from the 70 before them.

Source: Raab, Heusinger, Schleif, Reactive soft prototype computing for concept drift streams, Neurocomputing
2020; code: river, with the seed 42 and α = .0001, as in its documentation, so that a replay finds the same.

It sees any change of distribution, but of zeros and ones there is only the rate, and with windows this small
only a large change of it. It is the slowest detector here by far: a test for each value.
"""

from river.drift import KSWIN


def make() -> KSWIN:
    """A fresh detector, seeded."""
    return KSWIN(alpha=0.0001, seed=42)
