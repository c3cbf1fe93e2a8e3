"""EDDM: the distance between errors, fallen below .75 of its largest.

Source: Baena-García et al., Early drift detection method, 2006; code: river, with α = .8 and β = .75, as in
its documentation, since the usual .95 and .9 give many false alarms.

It sees rises only, slow ones earlier than DDM. It reads the order of errors, and slices feed them evenly
spread, so that distances vary less than in the raw stream: of all detectors here it suits slices least."""

from river.drift.binary import EDDM


def make() -> EDDM:
    """A fresh detector."""
    return EDDM(alpha=0.8, beta=0.75)
