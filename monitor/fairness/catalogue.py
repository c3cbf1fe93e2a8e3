"""Which metrics there are, and whether a rule asks for something that exists."""

from monitor import drift, rates
from monitor.config import ConfigError, Rule
from monitor.fairness import composites, estimates, pairs, population, reference

WITHOUT_INTERVAL = ("calibration_error",)
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
    if found is not None and found.of_all and compare != "value":
        raise ConfigError(f"{key}.compare", compare, f'"value": {metric} is already a share of all groups')
    if rule.reference == reference.OVERALL and compare != "value" and not estimates.additive(metric):
        raise ConfigError(
            f"{key}.reference", rule.reference, f"a group, or a word but this one, for {metric}"
        )
    if (rule.min, rule.max) != (None, None) and not has_interval(metric, compare):
        limit = "max" if rule.max is not None else "min"
        raise ConfigError(
            f"{key}.{limit}", getattr(rule, limit), f"no limit: {metric} has no interval to judge by"
        )


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
