"""DDM: an error rate that has climbed three standard deviations above its lowest.

Source: Gama, Medas, Castillo, Rodrigues, Learning with drift detection, SBIA 2004; code: river.

It sees rises only. It misleads on long streams: after a long good period the lowest point is so well known
that a small rise needs many values to show, and on streams that start low by chance."""

from river.drift.binary import DDM


def make() -> DDM:
    """A fresh detector with river's defaults."""
    return DDM()
