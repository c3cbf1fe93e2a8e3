import pytest

from alerts import notifiers, routes
from monitor.config import Alerts, ConfigError, Match, Route, Secret
from tests.alerts.sample import alert, config

SLACK = {"url": Secret("https://hooks.slack.com/services/T/B/X")}
EMAIL = {"host": "mail.example.com", "sender": "fairlead@example.com", "to": ["officer@example.com"]}


def with_routes(*found: Route, **kinds):
    return config(alerts=Alerts(routes=list(found)), notifiers=kinds)


RISK = Route(to=["slack:risk"], match=Match(severity="critical"))
OFFICER = Route(to=["email:officer", "console", "email:officer"], match=Match(model="compas"))


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ({}, ["slack:risk"]),
        ({"severity": "warning"}, ["email:officer", "console"]),
        ({"severity": "warning", "model": "credit"}, ["console"]),
    ],
)
def test_the_first_match_decides_and_the_console_takes_the_rest(change, to):
    assert routes.route(with_routes(RISK, OFFICER), alert(**change)) == to


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        (Match(), True),
        (Match(rule="false_positive_rate difference, all"), True),
        (Match(rule="x"), False),
        (Match(model="compas", severity="critical"), True),
        (Match(model="compas", severity="info"), False),
    ],
)
def test_every_word_given_must_match(match, taken):
    assert routes.matches(match, alert()) is taken


def test_builds_what_is_described_and_the_console():
    built = routes.build(with_routes(RISK, slack={"risk": SLACK}, email={"officer": EMAIL}))
    assert sorted(built) == ["console", "email:officer", "slack:risk"]
    assert routes.build(config()).keys() == {"console"}


@pytest.mark.parametrize(
    ("conf", "error"),
    [
        (
            with_routes(Route(to=["slack:risky"]), slack={"risk": SLACK}),
            "alerts.routes[0].to[0]: 'slack:risky' is not allowed; allowed: one of console, slack:risk",
        ),
        (
            with_routes(Route(to=["console", "pager"])),
            "alerts.routes[0].to[1]: 'pager' is not allowed; allowed: one of console",
        ),
        (with_routes(Route(to=[])), "alerts.routes[0].to: [] is not allowed; allowed: one of console"),
        (
            with_routes(pager={"me": {}}),
            f"notifiers.pager: 'pager' is not allowed; allowed: one of {', '.join(notifiers.kinds())}",
        ),
        (
            with_routes(Route(to=["slack"])),
            "notifiers.slack.url: None is not allowed; allowed: it is required",
        ),
        (
            with_routes(slack={"risk": SLACK | {"chanel": "#risk"}}),
            "notifiers.slack.risk.chanel: '#risk' is not allowed; allowed: the keys url",
        ),
        (
            with_routes(slack={"risk": {"url": Secret("hooks.slack.com/secret")}}),
            "notifiers.slack.risk.url: '…' is not allowed; allowed: an address that begins with https:// or http://",
        ),
    ],
)
def test_what_is_not_allowed_is_said_in_one_line(conf, error):
    with pytest.raises(ConfigError) as caught:
        routes.build(conf)
    assert str(caught.value) == error


def test_a_notifier_is_known_by_its_files_name():
    assert notifiers.kinds() == ["alertmanager", "apprise", "console", "email", "slack", "webhook"]
