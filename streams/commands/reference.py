"""From a file to a drift baseline: all of its decisions, slice by slice."""

from collections.abc import Iterable

from msgspec.structs import replace

from monitor.baseline import Baseline
from monitor.config import ConfigError, Model
from monitor.evaluator import Evaluator
from monitor.facts import Facts
from streams.files.reader import Chunk


def build(name: str, model: Model, chunks: Iterable[Chunk]) -> Baseline:
    """The baseline of all of the model's decisions. Raises ConfigError when there are none."""
    facts = Facts({name: model}, bytes(16))
    last = 0
    for chunk in chunks:
        ours = [i for i, event in enumerate(chunk.decisions.events) if event.model == name]
        times = chunk.decisions.times[ours]
        facts.observe([chunk.decisions.events[i] for i in ours], times)
        last = max(last, int(times.max(initial=0)))
        facts.learn(chunk.feedback.events, chunk.feedback.times)
    if not facts.counts["decisions"]:
        raise ConfigError("FILE", 0, f"one valid decision of {name} or more")
    panes = facts.panes[name]
    everything = Evaluator(name, replace(model, baseline=facts.counts["decisions"], rules=[]), panes)
    everything.read(last + panes.width)  # by then all slices are finished
    if everything.baseline is None:
        raise ConfigError("FILE", facts.counts["decisions"], "decisions whose slices can be read")
    return everything.baseline
