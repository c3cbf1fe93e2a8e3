"""Which tests a configuration begins anew, held against what a deployment has durable."""

from collections.abc import Iterator, Mapping

from monitor.config import Config
from monitor.trials.asked import families
from monitor.trials.record import State


def edits(config: Config, states: Mapping[str, State]) -> list[str]:
    """Sentences about each model that has tests now or will have; `states` are by model."""
    return [said for name in config.models for said in _of(name, config, states.get(name))]


def _of(name: str, config: Config, state: State | None) -> Iterator[str]:
    asked = families(config.models[name])
    if state is None:
        if asked:
            yield f"{name}: its tests have not begun, so that nothing begins anew."
        return
    there = {kept.fingerprint for kept in state.families}
    new = [family for family in asked if family.fingerprint not in there]
    for about in dict.fromkeys(f"{family.rule}, by {family.attribute}" for family in new):
        yield f"{name}, {about}: with this configuration its tests begin, or begin anew."
    gone = there - {family.fingerprint for family in asked}
    for rule in dict.fromkeys(kept.rule for kept in state.families if kept.fingerprint in gone):
        yield f"{name}, {rule}: what its tests have found so far ends with this configuration."
    if not new and not gone:
        yield f"{name}: no test begins anew with this configuration."
