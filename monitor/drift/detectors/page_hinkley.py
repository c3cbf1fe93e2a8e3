"""Page-Hinkley: a running sum of deviations from the mean so far, with an alarm when it leaves its extreme.

Rises and falls of the mean by more than δ = .005 add up; the alarm comes at a sum of 50. Source: Page 1954;
Hinkley 1971; code: river.

It is quick and cheap. It misleads on rates that wander slowly, and its threshold counts ones in excess, not
chances of error: on a stream without any change it fires about 3 times in 100,000 values at a rate of .1,
about 8 times at .5.
"""

from river.drift import PageHinkley


def make() -> PageHinkley:
    """A fresh detector with river's defaults, for rises and falls."""
    return PageHinkley()
