"""FHDDM: the rate of the last 100 values against the best such rate so far, with Hoeffding's bound between.

Source: Pesaranghader, Viktor, Fast Hoeffding drift detection method for evolving data streams, ECML-PKDD
2016; code: river, whose detector waits for ones to become rarer, as they do when 1 is a success. Here 1 is an
error, as for the other detectors, so values are turned round.

It sees rises only, of .26 or more at 100 values and an error of one in a million; smaller ones never.
"""

from river.drift.binary import FHDDM


class ErrorsRise:
    """river's FHDDM for a stream in which 1 is an error."""

    def __init__(self) -> None:
        self._successes = FHDDM()

    @property
    def drift_detected(self) -> bool:
        """Whether the last value showed a change."""
        return bool(self._successes.drift_detected)

    def update(self, x: int) -> None:
        """Takes one value, 0 or 1."""
        self._successes.update(1 - x)


def make() -> ErrorsRise:
    """A fresh detector with river's defaults."""
    return ErrorsRise()
