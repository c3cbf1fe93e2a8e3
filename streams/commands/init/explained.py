"What `fairlead init` says in plain words: of each section, of each rule, and of what a rule waits for."

from monitor.config import Rule
from monitor.config.presets import RULES
from streams.commands.init.guess import Guess

_FOUR_FIFTHS = RULES["hiring"][0]
GENERAL = (  # for a model of no preset
    _FOUR_FIFTHS,
    Rule(metric="true_positive_rate", min=-0.1, max=0.1),
    Rule(metric="false_positive_rate", min=-0.1, max=0.1),
    RULES["credit"][3],
)

WORDS = {
    ("selection_rate", "ratio"): (
        "Who gets the positive decision: each group's share, over that of the group with the highest. "
        "Four fifths is a guideline of US employment law (29 CFR 1607.4 D) and a custom elsewhere: below"
        " it one asks why, above it nothing is proved."
    ),
    ("selection_rate", "difference"): (
        "Who gets the positive decision: each group's share, within ten points of the reference group's."
    ),
    ("final_selection_rate", "ratio"): (
        "The same of what people decided in the end: a fair model can be undone by its users."
    ),
    ("positive_predictive_value", "difference"): (
        "Of those with a positive decision, how many had a positive outcome: whether the decision means the "
        "same for all groups."
    ),
    ("true_positive_rate", "difference"): (
        "Of those with a positive outcome, how many had a positive decision: equal opportunity."
    ),
    ("false_positive_rate", "difference"): (
        "Of those whose outcome is negative, how many had a positive decision all the same: whom errors hit."
    ),
    ("override_rate", "difference"): (
        "How often people overrule the model: where it is more often for one group, either it or they err."
    ),
    (
        "override_down_rate",
        "difference",
    ): "How often people turn the model's positive decision into a negative.",
    ("flags.helpful", "difference"): "How often the answer was called helpful, by group.",
    ("flags.escalated", "difference"): "How often the matter had to go to a person, by group.",
    ("values.csat.mean", "difference"): "The mean satisfaction of each group, within half a point.",
    ("flags.clicked", "ratio"): (
        "How often what was shown is what people wanted: each group's share over that of the best served."
    ),
    ("exposure_entropy", "ratio"): (
        "How varied what each group is shown is: a group that always gets the same few items falls behind."
    ),
    ("psi", "difference"): (
        "Whether the scores still look as they did at first. The population stability index is 0 when "
        "they do; from .2 on credit scoring calls it a shift, and the model should be looked at."
    ),
    ("adwin error", "difference"): "Whether the model's errors have become more or fewer; only to be noted.",
    (
        "adwin selection",
        "difference",
    ): "Whether positive decisions have become more or fewer; only to be noted.",
}
OPENING = (
    "Written by `fairlead init`{source}. All of it is a guess to be checked: `fairlead check` says in "
    "words what it means. Every key is explained in docs/configuration.md."
)
FACTS = {
    "purpose": "what the model decides, for readers of alerts and reports",
    "owner": "who answers for it",
    "appeal": "where people can appeal: an address",
}
PROTECTED = (
    "Whose decisions are compared: columns that look like protected attributes. Which are protected, and"
    " whether you may use them for this, is a matter of law where you are. An array inside is an "
    "intersection."
)
STAND_INS = (
    "No column looks like a protected attribute. These can stand in, as they often go with origin, age "
    "or means: a gap between them shows where to look, not whom it hits. Better: ask for one that is "
    "protected, kept apart from the model's inputs."
)
NOTHING = (
    "No column looks like a group of people, and without groups nothing can be compared. Ask for a "
    "protected attribute to be sent with each decision, or for one of these, which most apps know:"
)
ASK = (
    "Whose decisions are compared: the attributes that events carry. An array inside is an intersection."
    " Where nothing protected is known, these can be sent instead:"
)
TIMELESS = (
    "No column holds the time of a decision, so the row's number stands for it. This serves to measure "
    "the file as a whole; events from production carry their time, and then windows can be shorter: "
    '["24h", "30d", "all"].'
)
ADVERSE = "A positive decision is bad here: the group with the highest share is the one that fares worst."
RULES_OPENING = (
    "Rules: an alert is raised when an interval proves that a metric is out of its limits. The limits "
    "are customs to start from, not law; set those that your case asks for."
)
CLOSING = """
# Where events come from. `fairlead worker --embedded` tries it out without Kafka.
[broker]
url = "kafka://localhost:9092"

# Who is told: the first route that takes an alert decides.
[[alerts.routes]]
to = ["console"]

# Slack, and mail likewise (docs/alerts.md); then add "slack:team" to the route.
# [notifiers.slack.team]
# url = { env = "SLACK_WEBHOOK_URL" }"""
IDEAS = {
    "postcode_area": (
        "the first letters or digits of the postcode: where people live goes with origin and income"
    ),
    "language": (
        "the language of the page or the call: who is served worse when a model knows theirs less well"
    ),
    "age_band": "under 25, 25 to 61, 62 and over: a band says less about a person than a birthday",
    "new_or_returning": "whether the person was here before: of whom the model knows nothing, it knows less",
}
_OUTCOME = {"positive_predictive_value", "true_positive_rate", "false_positive_rate"}


def explained(rule: Rule) -> str:
    """A rule in plain words. Raises KeyError for one that `init` does not write.

    >>> explained(RULES["support"][1])
    'How often the answer was called helpful, by group.'
    """
    name = f"{rule.metric} {rule.stream}" if rule.metric == "adwin" else rule.metric
    return WORDS[name, rule.compare]


def lacks(rule: Rule, found: Guess) -> str | None:
    """What a rule waits for that no column holds; None if it can be judged at once."""
    metric = rule.metric
    if rule.stream is not None and found.time is None:
        return "the time of each decision"
    if rule.stream == "score" and found.score is None:
        return "the model's score"
    if (metric in _OUTCOME or rule.stream == "error") and found.outcome is None:
        return "what happened afterwards (the outcome)"
    if metric.startswith(("override", "final_")) and found.final is None:
        return "what a person decided in the end"
    kind, _, name = metric.removesuffix(".mean").partition(".")
    held = {"flags": found.flags, "values": found.values}.get(kind)
    if held is not None and not any(column.says({name}) for column in held):
        return f"{'whether it was' if kind == 'flags' else 'the number'} {name}"
    return None
