"""A comparison, a drift and a reading for tests, each whole; a test says what is different in its own."""

from typing import Any

from msgspec.structs import replace

from monitor.readings import Attribute, Comparison, Drift, Reading, Verdict

NOW = 1_388_534_400_000  # 2014-01-01, event time
GAP = Comparison(
    metric="false_positive_rate",
    compare="difference",
    attribute="race",
    group="African-American",
    reference="Caucasian",
    value=0.2138,
    low=0.1801,
    high=0.2466,
    n=1795,
    reference_n=1488,
    group_rate=0.4485,
    reference_rate=0.2347,
    min=None,
    max=0.1,
    verdict=Verdict.OUT,
    window="all",
    rule="false_positive_rate difference, all",
)
DRIFT = Drift(
    measure="psi",
    stream="score",
    window="30d",
    value=0.31,
    n=4000,
    baseline_n=1000,
    max=0.2,
    verdict=Verdict.OUT,
    rule="psi of score",
)


def gap(**changes: Any) -> Comparison:
    """The comparison, changed."""
    return replace(GAP, **changes)


def drift(**changes: Any) -> Drift:
    """The drift, changed."""
    return replace(DRIFT, **changes)


def reading(*comparisons: Comparison, drifts: tuple[Drift, ...] = (), **changes: Any) -> Reading:
    """A reading that holds these comparisons and drifts."""
    attributes: dict[str, Attribute] = {}
    for comparison in comparisons:
        found = attributes.setdefault(comparison.attribute, Attribute(comparison.reference, {}, []))
        found.comparisons.append(comparison)
    plain = Reading(
        model="compas",
        window="all",
        as_of=NOW,
        decisions=6172,
        feedback=6172,
        attributes=attributes,
        composites=[],
        drift=list(drifts),
    )
    return replace(plain, **changes)
