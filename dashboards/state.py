"""What the page shows, as one JSON object: every model in short, and one of them in full."""

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from dashboards.suppression import PublicAlert, PublicView
from dashboards.view import Health
from monitor.config import Model, attribute_name
from monitor.readings import Comparison, Drift, Reading

RESOLVED = 20  # how many resolved alerts the page shows


class ModelSummary(Struct, frozen=True, kw_only=True):
    """A model in the list of models. `verdicts` counts those that have limits, over all windows."""

    name: str
    purpose: str
    owner: str
    appeal: str
    positive: list[str | bool | int | float]
    favourable: bool
    attributes: list[str]
    min_group: int
    decisions: int  # in the widest window
    verdicts: dict[str, int]
    firing: int
    restarts: dict[str, int] = {}  # of its tests, by reason


class State(Struct, frozen=True, kw_only=True):
    """The whole page: `model` names the one that `readings` are of."""

    models: list[ModelSummary]
    model: str | None
    readings: list[Reading]
    alerts: list[PublicAlert]
    health: Health


def summary(view: PublicView, wanted: str | None) -> State:
    """The page's state with the readings of the model `wanted`, or of the first if there is no such."""
    models, readings, alerts = view.models(), view.readings(), view.alerts()
    chosen = wanted if wanted in models else next(iter(models), None)
    return State(
        models=[_model(name, model, readings, alerts) for name, model in models.items()],
        model=chosen,
        readings=[r for r in readings if r.model == chosen],
        alerts=_told(alerts),
        health=view.health(),
    )


def _told(alerts: list[PublicAlert]) -> list[PublicAlert]:
    """All that fire, and the newest of those that fired and are resolved."""
    resolved = [a for a in alerts if a.state == "resolved" and a.fired]
    newest = sorted(resolved, key=lambda a: a.changed, reverse=True)[:RESOLVED]
    return [a for a in alerts if a.state == "firing"] + newest


def _model(name: str, model: Model, readings: list[Reading], alerts: list[PublicAlert]) -> ModelSummary:
    own = [r for r in readings if r.model == name]
    return ModelSummary(
        name=name,
        purpose=model.purpose,
        owner=model.owner,
        appeal=model.appeal,
        positive=model.positive,
        favourable=model.favourable,
        min_group=model.min_group,
        attributes=[attribute_name(a) for a in model.attributes],
        decisions=max((r.decisions for r in own), default=0),
        verdicts=dict(Counter(str(v.verdict) for r in own for v in _judged(r))),
        firing=sum(a.model == name and a.state == "firing" for a in alerts),
        restarts=_restarts(own),
    )


def _restarts(readings: list[Reading]) -> dict[str, int]:
    """How often tests began anew, by reason; all windows say the same."""
    found: Counter[str] = Counter()
    for each in readings[0].restarts if readings else ():
        found[each.reason] += each.times
    return dict(found)


def _judged(reading: Reading) -> Iterator[Comparison | Drift]:
    """What has a limit: a rule's, or its measure's own."""
    compared = [c for a in reading.attributes.values() for c in a.comparisons]
    everything: list[Comparison | Drift] = [*compared, *reading.composites, *reading.drift]
    yield from (about for about in everything if about.rule is not None or about.max is not None)
