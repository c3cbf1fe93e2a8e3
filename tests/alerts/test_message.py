import pkgutil
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import message
from alerts.alert import State
from alerts.message import Message
from monitor import rates, words
from monitor.config import Alerts, Model
from monitor.drift import quality
from monitor.readings import Comparison
from tests.alerts.sample import CONFIG, MODEL, alert, config, steady
from tests.readings import DRIFT, NOW, drift, gap

BACK = gap(value=0.05, low=0.01, high=0.09, group_rate=0.2847)


def render(**changes) -> Message:
    return message.render(alert(**changes), CONFIG)


def everything(told: Message) -> str:
    return msgspec.json.encode(told).decode() + message.text(told)


def test_says_all_that_one_needs_to_know():
    told = render()
    assert (
        told.title == "compas: false positive rate of African-American (race) is 21.4 points above Caucasian"
    )
    assert told.summary == (
        "The false positive rate is 44.9 % for African-American (race), against 23.5 % for Caucasian."
        " The rule allows at most +10.0 points."
    )
    assert told.facts == [
        ("Metric", "false positive rate"),
        ("African-American", "44.9 % of 1,795"),
        ("Caucasian", "23.5 % of 1,488"),
        ("Gap", "+21.4 points (95 % interval: +18.0 to +24.7 points)"),
        ("Window", "all decisions so far"),
        ("Out of limits since", "2014-01-01 00:00 UTC"),
        ("Rule", "false_positive_rate difference, all"),
    ]
    assert told.link == "https://fair.example.com/#compas"
    about = {section.title: section.lines for section in told.sections}
    assert about["About the model"] == ["What it is for: Estimates the risk of reoffending", "Owner: Ada"]
    assert about["What this means"][0] == (
        "Of those whose outcome turned out negative, this is the share that had wrongly got “high”."
    )
    assert len(about["What you can do next"]) == 4


def test_machines_get_names_and_numbers():
    told = render()
    assert told.labels == {
        "model": "compas",
        "severity": "critical",
        "metric": "false_positive_rate",
        "compare": "difference",
        "attribute": "race",
        "window": "all",
        "group": "African-American",
        "reference": "Caucasian",
    }
    assert told.numbers["group_rate"] == 0.4485
    assert told.numbers["n"] == 1795


def test_resolved_says_how_long_it_lasted_and_advises_nothing():
    told = render(state=State.RESOLVED, changed=NOW + 90_000_000, evidence=BACK, episode=2)
    assert told.title == "compas: false positive rate of African-American (race) is no longer out of limits"
    assert told.summary.startswith("Back inside the limits. The alert lasted 1 d 1 h.")
    assert ("Resolved", "2014-01-02 01:00 UTC") in told.facts
    assert ("Times this alert has fired", "2") in told.facts
    assert [section.title for section in told.sections] == ["What this means", "About the model"]
    assert "chance alone" not in everything(told)


def test_resolved_without_a_reading_says_why():
    told = render(state=State.RESOLVED, note="the rule was removed from the configuration")
    assert told.title.endswith("African-American (race) is no longer judged")
    assert told.summary == (
        "The alert lasted 0 s. It ended because the rule was removed from the configuration."
        " The numbers are the last ones there were."
    )


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"value": -0.2}, "false positive rate of African-American (race) is 20.0 points below Caucasian"),
        (
            {"metric": "selection_rate", "compare": "ratio", "value": 0.62, "min": 0.8, "max": None},
            "selection rate of African-American (race) is 0.62 times that of Caucasian",
        ),
        (
            {"compare": "value", "value": 0.4485, "reference": None, "reference_n": 0},
            "false positive rate of African-American (race) is 44.9 %",
        ),
        (
            {"metric": "flags.explained"},
            "rate of “explained” of African-American (race) is 21.4 points above Caucasian",
        ),
        (
            {"metric": "values.csat.mean", "value": 1.25},
            "mean of csat of African-American (race) is 1.25 above Caucasian",
        ),
        (
            {"reference": "overall"},
            "false positive rate of African-American (race) is 21.4 points above everybody",
        ),
        (
            {"metric": "equalized_odds", "group": "", "reference": None, "compare": "value", "value": 0.31},
            "equalized odds of race is 0.31",
        ),
        (
            {"metric": "equalized_odds", "value": 0.31, "group_rate": None, "reference_rate": None},
            "equalized odds of African-American (race) against Caucasian is +0.31",
        ),
        (
            {"metric": "group_min.accuracy", "reference": None, "compare": "value", "value": 0.6},
            "accuracy of African-American (race) is 60.0 %",
        ),
    ],
)
def test_titles(change, title):
    assert render(evidence=gap(**change)).title == f"compas: {title}"


def test_limits_on_both_sides():
    told = render(evidence=gap(min=-0.05, max=0.1))
    assert "allows at least -5.0 points and at most +10.0 points." in told.summary
    told = render(evidence=gap(min=-0.05, max=0.05))
    assert "allows a gap of at most 5.0 points either way." in told.summary


def test_the_worst_group_is_called_so():
    told = render(evidence=gap(metric="group_max.error_rate", reference=None, compare="value"))
    assert "Of all groups, this one has the highest value." in message.text(told)


def test_what_is_not_known_is_said():
    told = render(
        evidence=gap(value=None, low=None, high=None, group_rate=None, reference_rate=None, max=None)
    )
    assert (
        told.summary == "The false positive rate of African-American (race) against Caucasian is not known."
    )
    assert ("African-American", "1,795 cases") in told.facts


def test_a_rough_interval_is_called_rough_and_evidence_is_put_in_words():
    text = message.text(render(evidence=gap(rough=True, e_value=20_000.0)))
    assert "fewer than 30 cases" in text
    assert "A model within the limit would ever show this at most once in 20,000 times." in text


@pytest.mark.parametrize("change", [{"n": 9}, {"reference_n": 9}, {"n": 0, "value": None}])
@pytest.mark.parametrize("state", [State.FIRING, State.RESOLVED])
def test_small_groups_are_neither_named_nor_counted(change, state):
    told = render(state=state, evidence=gap(**change))
    for secret in ("African-American", "Caucasian", "1,795", "1,488", "44.9", "23.5", "21.4", "0.4485"):
        assert secret not in everything(told)
    assert "a small group (race)" in told.title
    assert told.numbers == {}


def test_a_group_as_large_as_asked_is_named():
    assert "African-American" in render(evidence=gap(n=10, reference_n=10)).title


def test_drift_in_words():
    told = render(evidence=DRIFT)
    assert told.title == "compas: the score has drifted (PSI)"
    assert told.summary == (
        "The distance of the score from its baseline, measured by PSI, is 0.31. The rule allows at most 0.2."
    )
    assert ("Sample of the baseline", "1,000 cases") in told.facts
    assert ("Window", "the last 30d") in told.facts
    assert told.labels["stream"] == "score"


def test_a_detector_says_when():
    told = render(evidence=drift(measure="adwin", stream="error", at=NOW, max=None, value=2))
    assert told.summary == "ADWIN saw the error rate change, the last time at 2014-01-01 00:00 UTC."
    assert ("Changes found", "2") in told.facts
    assert "wrong more, or less, often" in message.text(told)


def test_a_detector_that_sees_no_change_any_more():
    calm = drift(measure="adwin", stream="error", at=None, max=0.0, value=0)
    told = render(evidence=calm, state=State.RESOLVED)
    assert told.title == "compas: the error rate is no longer out of limits (ADWIN)"
    assert (
        "ADWIN has seen no change of the error rate in this window. The rule allows at most 0 changes."
        in (told.summary)
    )


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("missing", "The share of missing values of the feature age has moved by 31.0 %."),
        ("new_categories", "Of the values of the feature age, 31.0 % are in categories"),
        ("type_changed", "What was numbers in the feature age is now words"),
        ("volume", "The number of decisions has moved by 31.0 %"),
    ],
)
def test_data_quality_in_words(measure, said):
    told = render(evidence=drift(measure=measure, stream="features.age"))
    assert said in told.summary
    assert "The rule allows at most 20.0 %." in told.summary


def test_every_measure_of_data_quality_has_words():
    names = {module.name for module in pkgutil.iter_modules(quality.__path__)}
    texts = {name: message.text(render(evidence=drift(measure=name))) for name in names}
    assert [name for name, text in texts.items() if name.upper().replace("_", " ") in text] == []


@pytest.mark.parametrize(("n", "shown"), [(9, "a small group"), (10, "Asian")])
def test_drift_of_a_small_groups_rate_does_not_name_it(n, shown):
    told = render(evidence=drift(stream="selection.race.Asian", n=n))
    assert told.title == f"compas: the selection rate of {shown} (race) has drifted (PSI)"
    assert ("Asian" in everything(told)) == (n == 10)


@pytest.mark.parametrize(
    ("stream", "title", "meaning"),
    [
        ("selection", "the selection rate of everybody", "fall out positive more, or less, often"),
        ("volume", "the number of decisions", "something may have stopped, or come twice"),
        ("selection.race.Asian", "the selection rate of Asian (race)", "fall out positive"),
        ("score", "the score", "past checks may not hold"),
    ],
)
def test_what_the_stream_is_and_what_its_drift_means(stream, title, meaning):
    told = render(evidence=drift(stream=stream))
    assert told.title == f"compas: {title} has drifted (PSI)"
    assert meaning in message.text(told)


def test_features_are_named():
    assert "the feature age" in render(evidence=drift(stream="features.age")).title


@pytest.mark.parametrize(
    ("link", "model", "page"),
    [
        ("https://x.example/", "credit", "https://x.example/#credit"),
        ("https://x.example", "a b/c#d", "https://x.example/#a%20b%2Fc%23d"),
        ("", "credit", ""),
    ],
)
def test_links_to_the_page(link, model, page):
    assert message.page(config(alerts=Alerts(link=link)), model) == page


def test_a_model_that_left_the_configuration_can_still_be_told_of():
    told = message.render(alert(model="gone"), CONFIG)
    assert told.title.startswith("gone: ")
    assert "a positive decision" in message.text(told)


def test_the_text_begins_with_how_bad_it_is():
    assert message.text(render()).startswith("[CRITICAL] compas: ")
    assert message.text(render(state=State.RESOLVED)).startswith("[resolved] compas: ")


def test_trial_says_that_it_is_one():
    trial = message.trial(CONFIG)
    assert "This is a test" in message.text(trial)
    assert trial.link == "https://fair.example.com/"


NASTY = st.text(alphabet=st.sampled_from("a\r\n\t\x00\x1b\x7f\u202e\u2028\ud83d<>&\"'`*_~|@:"), max_size=30)


# Names of models come from a TOML file, which holds no lone surrogates.
@steady
@given(group=NASTY, reference=NASTY, attribute=NASTY, model=st.text(max_size=30), owner=NASTY)
def test_hostile_names_stay_on_their_line(group, reference, attribute, model, owner):
    evidence = gap(group=group, reference=reference, attribute=attribute)
    conf = config(models={model: Model(positive=[True], owner=owner)})
    told = message.render(alert(model=model, evidence=evidence), conf)
    lines = [
        told.title,
        told.summary,
        *(part for fact in told.facts for part in fact),
        *(line for section in told.sections for line in section.lines),
        *told.labels.values(),
    ]
    assert not any(re.search(r"[\x00-\x1f\x7f\u202e\u2028\ud800-\udfff]", line) for line in lines)
    message.text(told).encode()


def test_names_are_cut():
    assert len(words.clean("x" * 500)) == 80


@pytest.mark.parametrize("metric", sorted(rates.RATES.keys() - {"f1", "final_f1"}))
def test_every_rate_is_explained(metric):
    assert words.explanation(metric, MODEL).startswith("Of ")
    assert "{" not in words.explanation(metric, MODEL)


@steady
@given(
    st.builds(
        gap,
        value=st.none() | st.floats(-1, 1),
        low=st.none() | st.floats(-1, 1),
        high=st.none() | st.floats(-1, 1),
        group_rate=st.none() | st.floats(0, 1),
        reference=st.none() | st.text(max_size=5),
        compare=st.sampled_from(["difference", "ratio", "value"]),
        metric=st.sampled_from(["tpr", "score.p50", "flags.a", "reasons.b", "theil_index", ""]),
        n=st.integers(0, 10**9),
    ),
    st.sampled_from(State),
)
def test_anything_that_is_measured_can_be_told(evidence: Comparison, state: State):
    assert message.text(render(evidence=evidence, state=state))
