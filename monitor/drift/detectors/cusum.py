"""CUSUM: evidence that the odds have moved by a factor e^½, added up from the last moment without any.

Two sums run, one for odds above and one for odds below those of the mean since the last change:
S = max(0, S + ln(likelihood of the value under the moved odds / under the mean)). One above 12 is a change.

Source: Page 1954; Moustakides 1986 (no rule is faster in the worst case, if the rates before and after are as
assumed). If the rate before were known, a false alarm would come once in e¹² = 163,000 values or more on each
side (Lorden 1971); it is the mean so far, from 30 ones and 30 zeros on.

It misleads on rates that wander slowly, and where the odds move by less than e^¼ (.5 to .56, .1 to .125):
then the sums tend to fall."""

import math

FEWEST = 30  # ones, and zeros, before the mean is trusted
SHIFT = 0.5  # of the logarithm of the odds
LIMIT = 12.0


class Cusum:
    """Two-sided CUSUM of a Bernoulli rate against its mean so far."""

    drift_detected: bool  # whether the last value showed a change
    _n: int
    _ones: int
    _up: float
    _down: float

    def __init__(self) -> None:
        self._reset()

    def update(self, x: int) -> None:
        """Takes one value, 0 or 1."""
        if self.drift_detected:
            self._reset()
        if min(self._ones, self._n - self._ones) >= FEWEST:
            rate = self._ones / self._n
            self._up = max(0.0, self._up + _evidence(x, rate, SHIFT))
            self._down = max(0.0, self._down + _evidence(x, rate, -SHIFT))
            self.drift_detected = max(self._up, self._down) > LIMIT
        self._n += 1
        self._ones += x

    def _reset(self) -> None:
        self.drift_detected = False
        self._n = self._ones = 0
        self._up = self._down = 0.0


def _evidence(x: int, rate: float, shift: float) -> float:
    """The logarithm of the likelihood ratio of one value, for odds e^shift times those of `rate`."""
    return x * shift - math.log(1 - rate + rate * math.exp(shift))


def make() -> Cusum:
    """A fresh detector."""
    return Cusum()
