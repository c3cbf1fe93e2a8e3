"""Where the CPU time of a worker goes: the functions of a profile, summed by what they are for."""

import pstats
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

Function = tuple[str, int, str]  # file, line, name

# The first that a file's path contains decides.
LAYERS = {
    "monitor/events/events.py": "decoding into columns",
    "monitor/events/clean.py": "decoding into columns",
    "monitor/events/batches.py": "decoding into columns",
    "monitor/arrays/texts.py": "decoding into columns",
    "monitor/arrays/kinds.py": "decoding into columns",
    "monitor/arrays/hashing.py": "hashing ids",
    "monitor/arrays/index.py": "looking ids up",
    "monitor/arrays/codes.py": "numbering classes and groups",
    "monitor/facts/counting.py": "counting",
    "monitor/facts/joined.py": "facts and the join",
    "monitor/facts/spelling.py": "numbering classes and groups",
    "monitor/panes/panes.py": "counting",
    "monitor/arrays/distinct.py": "counting",
    "monitor/facts/facts.py": "facts and the join",
    "monitor/facts/join.py": "facts and the join",
    "monitor/facts/returned.py": "facts and the join",
    "monitor/arrays/columns.py": "facts and the join",
    "monitor/arrays/numbers.py": "facts and the join",
    "monitor/facts/blocks.py": "blocks",
    "streams/partition.py": "routing",
    "monitor/": "readings",
    "river/": "readings",
    "alerts/": "alerts",
    "dashboards/": "page",
    "aiohttp/": "page",
    "streams/": "agents and tables",
    "aiokafka/codec.py": "compressing what is sent",
    "aiokafka/": "aiokafka: sending",
    "faust/": "Faust and asyncio",
    "mode/": "Faust and asyncio",
    "asyncio/": "Faust and asyncio",
}
IDLE = "{method 'poll' of 'select.epoll' objects}"


def shares(file: Path) -> list[tuple[str, float]]:
    """The layers and their shares of the time that was not spent waiting, the largest first.

    Time in a function that belongs to no layer, such as one of numpy's, is its callers'.
    """
    found = _Profile(pstats.Stats(str(file)).stats)  # type: ignore[attr-defined]
    seconds: Counter[str] = Counter()
    for function, (_, _, own, _, _) in found.stats.items():
        if function[2] != IDLE:
            for layer, share in found.owners(function).items():
                seconds[layer] += own * share
    total = sum(seconds.values())
    return [(layer, spent / total) for layer, spent in seconds.most_common()]


class _Profile:
    def __init__(self, stats: dict[Function, Any]) -> None:
        self.stats = stats
        self._owners: dict[Function, dict[str, float]] = {}

    def owners(self, function: Function) -> dict[str, float]:
        """The layers that a function's time belongs to, in parts that sum to 1."""
        if function not in self._owners:
            self._owners[function] = {"other": 1.0}  # for those that call themselves
            self._owners[function] = self._found(function)
        return self._owners[function]

    def _found(self, function: Function) -> dict[str, float]:
        layer = next((layer for part, layer in LAYERS.items() if part in function[0]), None)
        callers = self.stats[function][4] if function in self.stats else {}
        spent = sum(caller[2] for caller in callers.values())
        if layer is not None or spent == 0:
            return {layer or "other": 1.0}
        parts: dict[str, float] = defaultdict(float)
        for caller, (_, _, own, _) in callers.items():
            for name, share in self.owners(caller).items():
                parts[name] += share * own / spent
        return parts
