"""The configuration as typed structs. Every error names the key, the value and what is allowed.

Nothing here reads a file or the environment: `parse` turns the mapping that a TOML file holds, with
its secrets already looked up, into a `Config`.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from monitor.config import allowed
from monitor.config.durations import UNITS_MS
from monitor.config.windows import window_ms

T = TypeVar("T")
Compare = Literal["difference", "ratio", "value"]
Severity = Literal["info", "warning", "critical"]
Preset = Literal["credit", "hiring", "support", "recommendation"]
Test = Literal["sequential", "threshold", "change"]
SEPARATOR = " & "


_INLINE = "a secret is never inline"


class ConfigError(ValueError):
    """One line: the key, the value, and what is allowed."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        super().__init__(f"{key}: {_shown(value)} is not allowed; allowed: {allowed}")
        self.key, self.value, self.allowed = key, value, allowed


class Secret:
    """A secret that was looked up; it never shows itself.

    >>> Secret("hunter2")
    Secret(…)
    """

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "Secret(…)"


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every table of the configuration: an unknown key is an error."""


class Rule(Section, frozen=True, rename={"for_": "for"}):
    """When to alert: a metric, how it is compared, its limits, its window, and for how long."""

    metric: str
    compare: Compare = "difference"
    min: float | None = None
    max: float | None = None
    attribute: str | list[str] | None = None  # None: every attribute of the model
    reference: str | None = None  # a group or a word of monitor/fairness/reference.py; None: the model's
    stream: str | None = None  # for drift measures: "score", "features.age", "error"; None: all there are
    window: str | None = None  # None: the model's longest window
    minimum_sample: int = 30  # of each of the two denominators, before the rule speaks
    for_: str = "0s"  # how long, in event time, a breach must last before the alert fires
    severity: Severity = "warning"
    test: Test | None = None  # how a breach is proved (docs/statistics.md); None: sequential where it can be
    name: str = ""  # "": made of the metric, the comparison and the window


class Columns(Section, frozen=True):
    """Which column of a file, or field of foreign JSON, is which field of an event.

    `attributes`, `slices`, `features`, `flags` and `values` map our name to the column's. `final`, `outcome`
    and `values` make a feedback event: what a human decided in the end, what happened, numbers said of it.
    """

    id: str = "id"
    time: str = "time"
    decision: str = "decision"
    score: str | None = None
    value: str | None = None
    entity: str | None = None
    version: str | None = None
    final: str | None = None
    outcome: str | None = None
    outcome_time: str | None = None  # None: that of the decision
    attributes: dict[str, str] = {}
    slices: dict[str, str] = {}
    features: dict[str, str] = {}
    flags: dict[str, str] = {}
    values: dict[str, str] = {}
    bands: dict[str, list[float]] = {}  # by attribute: where its numbers are cut into groups
    prefixes: dict[str, int] = {}  # by attribute: of how many first characters its groups are


class Model(Section, frozen=True):
    """One model under watch."""

    positive: list[str | bool | int | float]
    favourable: bool = True
    positive_outcome: list[str | bool | int | float] = field(default_factory=lambda: [True, 1])
    purpose: str = ""
    owner: str = ""
    appeal: str = ""
    attributes: list[str | list[str]] = []
    slices: list[str] = []
    features: list[str] = []
    unchecked: list[str] = []  # fields, or maps of them, of which nobody is told (monitor/events/exposed.py)
    reference: str | dict[str, str] = "largest"
    population: dict[str, dict[str, float]] = {}  # by attribute: each group's share of the people concerned
    bounds: dict[str, list[float]] = {}  # by number: the least and the largest that it can be
    windows: list[str] = field(default_factory=lambda: ["24h", "30d", "all"])
    feedback_within: str = "90d"
    mature_after: str = "0s"
    stale_after: str = "24h"
    min_group: int = 10
    events_per_day: float | None = None  # decisions, for the budget of false alarms; None: as at the start
    baseline: int | str = 1000  # the first N decisions, or the file that `fairlead baseline` wrote
    topic: str | None = None  # of JSON in another shape, which `columns` explains
    preset: Preset | None = None  # five rules to start from (monitor/config/presets.py)
    rules: list[Rule] = []
    columns: Columns | None = None


class Broker(Section, frozen=True):
    """Kafka. `options` of TLS and SASL carry kafka-python's names."""

    url: str = "kafka://localhost:9092"
    group: str = "fairlead"
    decisions: str = "decisions"
    feedback: str = "feedback"
    invalid: str = "invalid"
    partitions: int = 8  # of the topics that the first worker creates
    most_held: int = 10_000_000  # decisions of one model that a partition holds (monitor/facts/facts.py)
    invalid_payload: bool = False  # whether the topic of invalid events carries their text
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_password: Secret | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: Secret | None = None


class Http(Section, frozen=True):
    """Where the page, /metrics and /healthz are served."""

    host: str = "127.0.0.1"
    port: int = 6066
    user: str | None = None  # with a password: all but the probes ask for them
    password: Secret | None = None


class Ingest(Section, frozen=True):
    """Events over HTTP, at the page's host and port; off without a token."""

    token: Secret | None = None
    max_body: int = 1_000_000  # bytes of a request's body


class Match(Section, frozen=True):
    """Which alerts a route takes: what is None matches all."""

    model: str | None = None
    severity: Severity | None = None
    rule: str | None = None


class Route(Section, frozen=True):
    """Alerts that match go to every notifier of `to`, named as "kind:name"; the first match decides."""

    to: list[str]
    match: Match = field(default_factory=Match)


class Alerts(Section, frozen=True):
    """Who is told. Without a route, alerts go to the console."""

    false_alarms: str = "1 per year"
    link: str = ""  # the address of the page as its readers reach it
    token: Secret | None = None  # for seeing all of them, and acting on them, over HTTP; off without one
    routes: list[Route] = []


class Config(Section, frozen=True):
    """All of fairlead.toml. `notifiers` is kind → name → its settings (alerts/notifiers/<kind>.py)."""

    models: dict[str, Model]
    broker: Broker = field(default_factory=Broker)
    http: Http = field(default_factory=Http)
    ingest: Ingest = field(default_factory=Ingest)
    alerts: Alerts = field(default_factory=Alerts)
    notifiers: dict[str, dict[str, dict[str, Any]]] = {}
    hash_key: Secret | None = None


def convert(raw: object, to: type[T], key: str) -> T:
    """`raw` as a `to`. Raises ConfigError with the whole key below `key`.

    >>> convert({"metric": "selection_rate", "min": "low"}, Rule, "rules[0]")
    Traceback (most recent call last):
    monitor.config.config.ConfigError: rules[0].min: 'low' is not allowed; allowed: a number
    """
    try:
        return msgspec.convert(raw, to, dec_hook=_secret)
    except msgspec.ValidationError as error:
        raise _located(str(error), raw, to, key) from None


def _secret(to: type, value: object) -> object:
    if to is Secret and isinstance(value, Secret):
        return value
    raise ValueError(_INLINE)


def _located(message: str, raw: object, to: object, key: str) -> ConfigError:
    """msgspec's message, with the value it is about and the key as the file spells it."""
    text, _, path = message.partition(" - at `$")
    path = path.rstrip("`")
    value = "…" if text == _INLINE else _follow(raw, path)
    if match := re.search(r"unknown field `(.+)`", text):
        known = ", ".join(allowed.keys(to, path))
        return ConfigError(f"{key}{path}.{match[1]}".lstrip("."), _get(value, match[1]), f"the keys {known}")
    if match := re.search(r"missing required field `(.+)`", text):
        return ConfigError(f"{key}{path}.{match[1]}".lstrip("."), None, "it is required")
    return ConfigError(f"{key}{path}".lstrip("."), value, allowed.at(to, path))


def _follow(raw: object, path: str) -> object:
    for name, index in re.findall(r"\.([\w-]+)|\[(\d+)\]", path):
        raw = _get(raw, name) if name else raw[int(index)] if isinstance(raw, list) else None
    return raw


def _get(raw: object, name: str) -> object:
    return raw.get(name) if isinstance(raw, Mapping) else None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def attribute_name(attribute: str | list[str]) -> str:
    """The name of an attribute; an intersection's is its parts joined by " & ".

    >>> attribute_name(["sex", "age_band"])
    'sex & age_band'
    """
    return attribute if isinstance(attribute, str) else SEPARATOR.join(map(escape, attribute))


def escape(name: str) -> str:
    r"""A part of an intersection's name, with the separator inside it escaped.

    >>> escape("R & D")
    'R \\& D'
    """
    return name.replace("\\", "\\\\").replace("&", "\\&")


def parts(name: str) -> list[str]:
    r"""The parts that an intersection's name, or its group's, is made of.

    >>> parts(r"R \& D & sex"), parts("sex")
    (['R & D', 'sex'], ['sex'])
    """
    masked = name.replace("\\\\", "\0").replace("\\&", "\1")
    return [part.replace("\1", "&").replace("\0", "\\") for part in masked.split(SEPARATOR)]


def fingerprint(model: Model) -> str:
    """A hash of all settings of a model: two reports with the same one were made by the same settings.

    >>> fingerprint(Model(positive=[True])) == fingerprint(Model(positive=[True], min_group=20))
    False
    """
    return hashlib.blake2b(msgspec.json.encode(model), digest_size=8).hexdigest()


def longest_window(model: Model) -> str:
    """The model's longest window: the one of rules that name none.

    >>> longest_window(Model(positive=[True], windows=["1h", "30d", "24h"]))
    '30d'
    """
    return max(model.windows, key=lambda window: window_ms(window) or float("inf"))


def slice_ms(model: Model) -> int:
    """How finely event time is cut for a model: 5 minutes, an hour or a day, by its shortest window.

    >>> slice_ms(Model(positive=["yes"], windows=["24h", "all"])) // 60_000
    60
    """
    shortest = min((w for w in map(window_ms, model.windows) if w is not None), default=30 * UNITS_MS["d"])
    return next((w for w in (UNITS_MS["d"], UNITS_MS["h"]) if shortest >= 24 * w), 5 * UNITS_MS["m"])


def rule_name(rule: Rule, model: Model) -> str:
    """The rule's name, or one made of what it asks; readings and alerts carry it.

    >>> rule_name(Rule(metric="selection_rate", attribute="sex"), Model(positive=[True]))
    'selection_rate difference of sex, all'
    """
    if rule.name:
        return rule.name
    parts = [part for part in (rule.attribute and attribute_name(rule.attribute), rule.stream) if part]
    subject = "".join(f" of {part}" for part in parts)
    return f"{rule.metric} {rule.compare}{subject}, {rule.window or longest_window(model)}"
