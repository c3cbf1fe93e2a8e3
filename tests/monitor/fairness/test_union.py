"""The union of the metrics that peers and auditors have, under the names that people know them by."""

import pytest

from monitor import drift, fairness
from monitor.drift import detectors

FAIRNESS = """
selection_rate share_of_positives demographic_parity_difference spd dppl mean_difference
demographic_parity_ratio disparate_impact di four_fifths class_imbalance ci cdd.region cddpl.region
conditional_demographic_disparity.region differential_fairness smoothed_empirical_differential_fairness
edf mean_score mean_score_gap score.mean score.smd quantile_demographic_drift qdd score.ks
score.jensen_shannon score.tvd score.wasserstein exposure exposure_entropy exposure_top_share tpr fpr
tnr fnr ppv npv fdr for accuracy error_rate f1 equal_opportunity predictive_parity predictive_equality
equalized_odds equalized_odds_difference equalized_odds_ratio average_odds aod average_absolute_odds
treatment_equality dca dcr generalized_entropy theil worst_group group_min.accuracy tpr_difference
tpr_ratio fpr_difference fpr_ratio tnr_difference tnr_ratio fnr_difference fnr_ratio ppv_difference
ppv_ratio npv_difference npv_ratio fdr_difference fdr_ratio for_difference for_ratio accuracy_difference
accuracy_ratio error_rate_difference error_rate_ratio f1_difference f1_ratio
false_positive_rate_difference selection_rate_difference selection_rate_ratio calibration ece
calibration_gap brier roc_auc log_loss prediction_balance balance_for_the_positive_class
balance_for_the_negative_class dpl cddl.region label_kl label_js label_lp label_tvd label_ks value.mean
value.p50 value.p90 mae mse explanation_coverage disclosure_coverage consent_coverage override_rate
appeal_rate complaint_rate helpfulness representation group_share outcome_lag.p50 coverage
"""
DRIFT = """
ks anderson_darling cramer_von_mises wasserstein energy hellinger jensen_shannon kl psi tvd welch chi2
g_test linf new_categories missing_categories missing out_of_range type_changed volume
"""
DETECTORS = """
adwin page_hinkley cusum kswin ewma ddm eddm hddm_a hddm_w fhddm
"""


@pytest.mark.parametrize("name", FAIRNESS.split())
def test_a_metric_is_known_by_the_name_that_people_use(name: str) -> None:
    assert fairness.known(name)


def test_drift_measures_and_detectors_are_all_there() -> None:
    assert set(DRIFT.split()) <= set(drift.measures())
    assert set(DETECTORS.split()) <= set(detectors.names())
