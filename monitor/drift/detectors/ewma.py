"""EWMA: a moving average that forgets ½ % of itself with every value, held against the mean so far.

Z = Z + λ (x − Z) with λ = .005 leaves the mean p since the last change by more than 4 standard deviations,
√(p (1 − p) λ / (2 − λ)): a change, up or down.

Source: Roberts 1959; Ross, Adams, Tasoulis, Hand, Exponentially weighted moving average charts for detecting
concept drift, Pattern Recognition Letters 33(2), 2012.

It remembers about 400 values: it sees moves of about a fifth of √(p (1 − p)) and more. It misleads for
rates near 0 or 1, where the average is skewed and alarms come more often on one side.
"""

import math

FEWEST = 30  # ones, and zeros, before the mean is trusted
WEIGHT = 0.005
LIMIT = 4.0  # standard deviations


class Ewma:
    """Two-sided EWMA chart of a Bernoulli rate against its mean so far."""

    drift_detected: bool  # whether the last value showed a change
    _n: int
    _ones: int
    _average: float

    def __init__(self) -> None:
        self._reset()

    def update(self, x: int) -> None:
        """Takes one value, 0 or 1."""
        if self.drift_detected:
            self._reset()
        self._n += 1
        self._ones += x
        mean = self._ones / self._n
        if min(self._ones, self._n - self._ones) < FEWEST:
            self._average = mean
            return
        self._average += WEIGHT * (x - self._average)
        deviation = math.sqrt(mean * (1 - mean) * WEIGHT / (2 - WEIGHT))
        self.drift_detected = abs(self._average - mean) > LIMIT * deviation

    def _reset(self) -> None:
        self.drift_detected = False
        self._n = self._ones = 0
        self._average = 0.0


def make() -> Ewma:
    """A fresh detector."""
    return Ewma()
