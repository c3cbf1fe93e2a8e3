"""The table of group rates: a name, a numerator, a denominator, one line each.

Names are the auditors': fairlearn's where it has them. `ALIASES` leads from other names to these. A rate
with an empty denominator is undefined: it is never 0.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from monitor.panes.table import DECISION, Ints, Table

LABELLED = ("tp", "fp", "fn", "tn")
REVIEWED = ("overridden_up", "overridden_down", "upheld")


@dataclass(frozen=True)
class Definition:
    """A share: the sum of the numerator's atoms over the sum of the denominator's.

    `dice`: the share s is shown as 2s / (1 + s), which makes the F1 score of the Jaccard index.
    `of_all`: the denominator is summed over all groups: the group's share of the whole.
    """

    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    dice: bool = False
    of_all: bool = False


def _share(numerator: str, denominator: Iterable[str]) -> Definition:
    return Definition(tuple(numerator.split()), tuple(denominator))


# Rates of a decision, the model's or the final one.
_DECISION_RATES = {
    "selection_rate": _share("tp fp up", DECISION),
    "true_positive_rate": _share("tp", ("tp", "fn")),
    "false_negative_rate": _share("fn", ("tp", "fn")),
    "false_positive_rate": _share("fp", ("fp", "tn")),
    "true_negative_rate": _share("tn", ("fp", "tn")),
    "positive_predictive_value": _share("tp", ("tp", "fp")),
    "false_discovery_rate": _share("fp", ("tp", "fp")),
    "negative_predictive_value": _share("tn", ("tn", "fn")),
    "false_omission_rate": _share("fn", ("tn", "fn")),
    "accuracy": _share("tp tn", LABELLED),
    "error_rate": _share("fp fn", LABELLED),
    "f1": Definition(("tp",), ("tp", "fp", "fn"), dice=True),
    "predicted_prevalence": _share("tp fp", LABELLED),
}


def _final(rate: Definition) -> Definition:
    def prefixed(atoms: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"final_{atom}" for atom in atoms)

    return Definition(prefixed(rate.numerator), prefixed(rate.denominator), rate.dice)


RATES = {
    **_DECISION_RATES,
    "base_rate": _share("tp fn", LABELLED),
    "coverage": _share("tp fp fn tn", DECISION),
    "positive_coverage": _share("tp fp", ("tp", "fp", "up")),
    "negative_coverage": _share("fn tn", ("fn", "tn", "un")),
    "review_rate": _share("overridden_up overridden_down upheld", DECISION),
    "override_rate": _share("overridden_up overridden_down", REVIEWED),
    "override_up_rate": _share("overridden_up", REVIEWED),
    "override_down_rate": _share("overridden_down", REVIEWED),
    "group_share": Definition(DECISION, DECISION, of_all=True),
    "share_of_positives": Definition(("tp", "fp", "up"), ("tp", "fp", "up"), of_all=True),
    **{f"final_{name}": _final(rate) for name, rate in _DECISION_RATES.items()},
}

# Another name → (our name, the comparison that the name means, if it means one).
ALIASES: dict[str, tuple[str, str | None]] = {
    "acceptance_rate": ("selection_rate", None),
    "positive_rate": ("selection_rate", None),
    "predicted_positive_rate": ("selection_rate", None),
    "demographic_parity": ("selection_rate", "difference"),
    "demographic_parity_difference": ("selection_rate", "difference"),
    "demographic_parity_ratio": ("selection_rate", "ratio"),
    "statistical_parity": ("selection_rate", "difference"),
    "statistical_parity_difference": ("selection_rate", "difference"),
    "mean_difference": ("selection_rate", "difference"),
    "spd": ("selection_rate", "difference"),
    "dppl": ("selection_rate", "difference"),
    "difference_in_positive_proportions_in_predicted_labels": ("selection_rate", "difference"),
    "disparate_impact": ("selection_rate", "ratio"),
    "disparate_impact_ratio": ("selection_rate", "ratio"),
    "adverse_impact_ratio": ("selection_rate", "ratio"),
    "impact_ratio": ("selection_rate", "ratio"),
    "four_fifths": ("selection_rate", "ratio"),
    "di": ("selection_rate", "ratio"),
    "dir": ("selection_rate", "ratio"),
    "air": ("selection_rate", "ratio"),
    "tpr": ("true_positive_rate", None),
    "recall": ("true_positive_rate", None),
    "sensitivity": ("true_positive_rate", None),
    "hit_rate": ("true_positive_rate", None),
    "equal_opportunity": ("true_positive_rate", "difference"),
    "equal_opportunity_difference": ("true_positive_rate", "difference"),
    "equal_opportunity_ratio": ("true_positive_rate", "ratio"),
    "recall_difference": ("true_positive_rate", "difference"),
    "rd": ("true_positive_rate", "difference"),
    "fnr": ("false_negative_rate", None),
    "miss_rate": ("false_negative_rate", None),
    "fpr": ("false_positive_rate", None),
    "fall_out": ("false_positive_rate", None),
    "predictive_equality": ("false_positive_rate", "difference"),
    "tnr": ("true_negative_rate", None),
    "specificity": ("true_negative_rate", None),
    "specificity_difference": ("true_negative_rate", "difference"),
    "sd": ("true_negative_rate", "difference"),
    "ppv": ("positive_predictive_value", None),
    "precision": ("positive_predictive_value", None),
    "predictive_parity": ("positive_predictive_value", "difference"),
    "predictive_parity_difference": ("positive_predictive_value", "difference"),
    "predictive_parity_ratio": ("positive_predictive_value", "ratio"),
    "difference_in_acceptance_rates": ("positive_predictive_value", "difference"),
    "dar": ("positive_predictive_value", "difference"),
    "npv": ("negative_predictive_value", None),
    "difference_in_rejection_rates": ("negative_predictive_value", "difference"),
    "drr": ("negative_predictive_value", "difference"),
    "fdr": ("false_discovery_rate", None),
    "for": ("false_omission_rate", None),
    "accuracy_score": ("accuracy", None),
    "accuracy_parity": ("accuracy", "difference"),
    "accuracy_difference": ("accuracy", "difference"),
    "ad": ("accuracy", "difference"),
    "misclassification_rate": ("error_rate", None),
    "zero_one_loss": ("error_rate", None),
    "f1_score": ("f1", None),
    "dice": ("f1", None),
    "prevalence": ("base_rate", None),
    "outcome_rate": ("base_rate", None),
    "dpl": ("base_rate", "difference"),
    "difference_in_positive_proportions_in_labels": ("base_rate", "difference"),
    "label_coverage": ("coverage", None),
    "representation": ("group_share", None),
    # These are not shares: they are in monitor/fairness/.
    "te": ("treatment_equality", "difference"),
    "treatment_equality_difference": ("treatment_equality", "difference"),
    "dca": ("conditional_acceptance", "difference"),
    "difference_in_conditional_acceptance": ("conditional_acceptance", "difference"),
    "dcr": ("conditional_rejection", "difference"),
    "difference_in_conditional_rejection": ("conditional_rejection", "difference"),
    "mean_score": ("score.mean", None),
    "balance_for_the_positive_class": ("score.pos.mean", "difference"),
    "balance_for_the_negative_class": ("score.neg.mean", "difference"),
    "roc_auc": ("auc", None),
    "brier": ("brier_score", None),
    "brier_score_loss": ("brier_score", None),
    "cross_entropy": ("log_loss", None),
    "ece": ("calibration_error", None),
    "expected_calibration_error": ("calibration_error", None),
    "calibration_in_the_large": ("calibration_gap", None),
    "calibration": ("calibration_error", None),
    "mae": ("abs_error.mean", None),
    "mse": ("squared_error.mean", None),
    "equal_odds": ("equalized_odds", "difference"),
    "equalized_odds_difference": ("equalized_odds", "difference"),
    "equalized_odds_ratio": ("equalized_odds", "ratio"),
    "aod": ("average_odds", "difference"),
    "average_odds_difference": ("average_odds", "difference"),
    "average_abs_odds_difference": ("average_absolute_odds", "difference"),
    "average_absolute_odds_difference": ("average_absolute_odds", "difference"),
    "ci": ("class_imbalance", "difference"),
    "facet_imbalance": ("class_imbalance", "difference"),
    "standardized_mean_difference": ("score.smd", "difference"),
    "smd": ("score.smd", "difference"),
    "quantile_demographic_drift": ("score.qdd", "difference"),
    "qdd": ("score.qdd", "difference"),
    "mean_score_gap": ("score.mean", "difference"),
    "prediction_balance": ("score.pos.mean", "difference"),
    "ge": ("generalized_entropy", "value"),
    "generalized_entropy_index": ("generalized_entropy", "value"),
    "theil": ("theil_index", "value"),
    "smoothed_empirical_differential_fairness": ("differential_fairness", "value"),
    "smoothed_edf": ("differential_fairness", "value"),
    "edf": ("differential_fairness", "value"),
    "exposure": ("exposure_entropy", None),
    "explanation_coverage": ("flags.explained", None),
    "consent_coverage": ("flags.consented", None),
    "disclosure_coverage": ("flags.disclosed", None),
    "appeal_rate": ("flags.appealed", None),
    "complaint_rate": ("flags.complained", None),
    "helpfulness": ("flags.helpful", None),
    "worst_group": ("group_min.accuracy", "value"),
}


# Another name → our name, before the slice: "cddpl.region".
CONDITIONAL = {
    "cdd": "conditional_demographic_disparity",
    "cddpl": "conditional_demographic_disparity",
    "cddl": "conditional_label_disparity",
}


def definition(name: str) -> Definition | None:
    """The rate of that name, also of a flag or a reason; None when there is none.

    >>> definition("flags.explained").numerator, definition("made_up")
    (('flags.explained=true',), None)
    """
    if name.startswith("flags."):
        return Definition((f"{name}=true",), (f"{name}=true", f"{name}=false"))
    if name.startswith("reasons."):
        return Definition((name,), DECISION)
    return RATES.get(name)


@lru_cache(maxsize=1024)
def resolve(name: str, compare: str = "difference") -> tuple[str, str]:
    """Our name of a metric and how to compare it: what an alias means wins.

    A rate's name, or another of it, may end with the comparison: "fpr_difference", "error_rate_ratio".

    >>> resolve("disparate_impact"), resolve("tpr", "ratio")
    (('selection_rate', 'ratio'), ('true_positive_rate', 'ratio'))
    >>> resolve("fpr_difference", "ratio"), resolve("cddpl.region")
    (('false_positive_rate', 'difference'), ('conditional_demographic_disparity.region', 'difference'))
    """
    if name in ALIASES:
        ours, meant = ALIASES[name]
        return ours, meant or compare
    stem, _, how = name.rpartition("_")
    plain = stem in RATES or (stem in ALIASES and ALIASES[stem][1] is None)
    if how in ("difference", "ratio") and plain:
        return resolve(stem, how)
    first, dot, rest = name.partition(".")
    return CONDITIONAL.get(first, first) + dot + rest, compare


def rate(name: str, table: Table) -> tuple[Ints, Ints]:
    """The numerator and the denominator of a rate, each of shape (groups,).

    Raises KeyError when there is no such rate.

    >>> import numpy as np
    >>> table = Table(["f", "m"], {"tp": np.array([3, 4]), "fn": np.array([1, 0])})
    >>> [array.tolist() for array in rate("true_positive_rate", table)]
    [[3, 4], [4, 4]]
    """
    found = definition(resolve(name)[0])
    if found is None:
        raise KeyError(name)
    numerator, denominator = parts(found, table)
    return (2 * numerator, numerator + denominator) if found.dice else (numerator, denominator)


def parts(rate: Definition, table: Table) -> tuple[Ints, Ints]:
    """Successes and trials of a definition, each of shape (groups,), before `dice`."""
    numerator, denominator = table.sum(rate.numerator), table.sum(rate.denominator)
    if rate.of_all:
        denominator = denominator * 0 + denominator.sum()
    return numerator, denominator


def close(name: str, names: Iterable[str]) -> list[str]:
    """Up to three of `names` that look like `name`, for an error's text.

    >>> close("selection_rat", ["selection_rate", "accuracy"])
    ['selection_rate']
    """
    return difflib.get_close_matches(name, list(names), n=3, cutoff=0.6)
