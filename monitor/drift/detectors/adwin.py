"""ADWIN: the stream's newest stretch, as long as it can be without two parts of it differing.

Whenever the means of two adjoining parts differ by more than chance explains, the older part is dropped: a
change. Chance is bounded by δ = .002 for each check, corrected for the number of cuts; a check comes every 32
values. Source: Bifet, Gavaldà, Learning from time-changing data with adaptive windowing, SIAM SDM 2007; code:
river.

It sees rises and falls alike and needs no expected size of change. It misleads as a judge of fairness: on a
fair stream whose base rate moves it fires 22 to 37 times in 100,000 values.
"""

from river.drift import ADWIN


def make() -> ADWIN:
    """A fresh detector with river's defaults."""
    return ADWIN(delta=0.002)
