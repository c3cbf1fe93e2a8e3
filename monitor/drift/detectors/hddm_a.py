"""HDDM-A: the mean so far against its most extreme past, with Hoeffding's bound between them.

Source: Frías-Blanco et al., Online and non-parametric drift detection methods based on Hoeffding's bounds,
IEEE TKDE 27(3), 2015; code: river, for rises and falls, chance of error .001 for each check.

It assumes nothing of the values but their bounds, and is best at abrupt changes. It misleads in its stated
chance of error, which is for one check, while it checks at every value.
"""

from river.drift.binary import HDDMA


def make() -> HDDMA:
    """A fresh detector with river's chances of error, two-sided."""
    return HDDMA(two_sided_test=True)
