"""Which metrics there are, and whether a rule asks for something that exists."""

from monitor import drift, rates
from monitor.config import ConfigError, Rule
from monitor.fairness import composites, estimates, exposure, pairs, population, quotients, reference

WITHOUT_INTERVAL = ("calibration_error",)
NO_BASELINE = "a group, or a word but this one: baselines keep no numbers and slices by group, for {}"
PATTERNS = (
    "flags.<name>",
    "reasons.<code>",
    "<number>.mean",
    "<number>.p50",
    "<number>.smd",
    "<number>.qdd",
    "<number>.ks",
    "group_min.<metric>",
    "conditional_demographic_disparity.<slice>",
    "within.<slice>.<metric>",
)


def names() -> list[str]:
    """Every metric's name, without aliases and without those made of another name (PATTERNS).

    >>> "selection_rate" in names(), "equalized_odds" in names()
    (True, True)
    """
    composed = dict.fromkeys(name for name, _ in pairs.PAIRS)
    return [*rates.RATES, *estimates.OTHERS, *composed, *population.WHOLE]


def known(name: str) -> bool:
    """Whether it is a metric of fairness, by our name or another.

    >>> known("disparate_impact"), known("values.csat.mean"), known("psi")
    (True, True, False)
    """
    ours, _ = rates.resolve(name)
    return estimates.is_metric(ours) or composites.is_composite(ours)


def check(rule: Rule, key: str) -> None:
    """Raises ConfigError where a rule asks for a metric, a comparison or a limit that does not exist."""
    if not known(rule.metric):
        raise ConfigError(f"{key}.metric", rule.metric, suggestion(rule.metric))
    metric, compare = rates.resolve(rule.metric, rule.compare)
    found = rates.definition(metric)
    of_all = found is not None and found.of_all
    if rule.reference == reference.POPULATION and not (of_all and compare != "value"):
        allowed = "another, unless the metric is group_share or share_of_positives, as difference or ratio"
        raise ConfigError(f"{key}.reference", rule.reference, allowed)
    if of_all and compare != "value" and rule.reference != reference.POPULATION:
        raise ConfigError(f"{key}.compare", compare, f'"value": {metric} is already a share of all groups')
    if rule.reference == reference.OVERALL and compare != "value" and not estimates.additive(metric):
        raise ConfigError(
            f"{key}.reference", rule.reference, f"a group, or a word but this one, for {metric}"
        )
    if rule.reference == reference.BASELINE and not of_counts(metric, compare):
        raise ConfigError(f"{key}.reference", rule.reference, NO_BASELINE.format(metric))
    if (rule.min, rule.max) != (None, None) and not has_interval(metric, compare):
        limit = "max" if rule.max is not None else "min"
        raise ConfigError(
            f"{key}.{limit}", getattr(rule, limit), f"no limit: {metric} has no interval to judge by"
        )


def of_counts(metric: str, compare: str = "difference") -> bool:
    """Whether a metric is made of counts of cases alone: a baseline keeps these by group.

    >>> [of_counts(name) for name in ("accuracy", "equalized_odds", "value.mean", "auc")]
    [True, True, False, False]
    """
    found = rates.definition(metric)
    shares = found is not None and not found.of_all
    others = metric in quotients.METRICS or metric in exposure.METRICS
    return compare == "value" or shares or others or (metric, compare) in pairs.PAIRS


def suggestion(name: str) -> str:
    """What is allowed instead of an unknown name.

    >>> suggestion("selection_rat")
    'a metric of docs/metrics/, such as selection_rate or final_selection_rate'
    """
    alike = rates.close(name, [*names(), *rates.ALIASES, *drift.measures()])
    return f"a metric of docs/metrics/, such as {' or '.join(alike or ['selection_rate'])}"


def has_interval(metric: str, compare: str) -> bool:
    """Whether limits can be judged: some composites and distances can only be shown."""
    if metric in WITHOUT_INTERVAL or metric.partition(".")[0] in composites.CONDITIONAL:
        return False
    if metric in population.WHOLE:
        return metric in population.JUDGED
    composite = pairs.find(metric, compare) or pairs.find(metric, "difference")
    return composite is None or composite.interval
