"""HDDM-W: as HDDM-A, with means in which a value loses 5 % of its weight with every further one.

Source: Frías-Blanco et al., Online and non-parametric drift detection methods based on Hoeffding's bounds,
IEEE TKDE 27(3), 2015; code: river, for rises and falls, chance of error .001 for each check.

It is best at gradual changes. It remembers about 20 values, so that it alarms readily: on a stream without
any change more often than the others."""

from river.drift.binary import HDDMW


def make() -> HDDMW:
    """A fresh detector with river's chances of error, two-sided."""
    return HDDMW(two_sided_test=True)
