"""Which groups to hide, so that no small one is published or follows from what is.

A group of fewer than `least` decisions is small (one of none is not: there is nobody to protect). All groups
of an attribute add up to the reading's decisions, and those of an intersection to the groups of its parts: a
small group that is hidden alone is a difference of published numbers. Therefore others are hidden beside it:
complementary suppression (L. Willenborg and T. de Waal, Elements of Statistical Disclosure Control, 2001,
chapter 6). They leave it room: people can be moved between hidden groups so that its size takes any of at
least `least` values more, and no published sum would change.

- The hidden groups of an attribute hold together at least `least`: any of them may hold it all.
- So do those in each row and in each column of the table that an intersection of two attributes is. Who is
  moved within a row changes two columns. A *pivot* makes that good: a place of at least `least` whose row
  and column are hidden wherever others are hidden in the columns and rows that these cross. It is not
  needed where the intersection has `__other__`: it has no place in the table, is hidden too, and takes all.
- An intersection of more attributes is shown whole, or not at all.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Set

from monitor.config import parts
from monitor.panes import UNKNOWN

Cell = tuple[str, str]  # attribute, group
Groups = Mapping[str, int]  # decisions by group
Place = tuple[str | None, ...]  # an intersection's group by its parts; None: a part's group that is hidden
Line = tuple[int, str | None]  # which part, and its group


def hidden(sizes: Mapping[str, Groups], least: int) -> set[Cell]:
    """The groups that must not be public; `sizes` are decisions by attribute and group.

    >>> sorted(hidden({"race": {"A": 600, "B": 300, "C": 97, "D": 3}}, least=10))
    [('race', 'C'), ('race', 'D')]
    """
    found: dict[str, set[str]] = {}
    for name in sorted(sizes, key=lambda name: len(parts(name))):  # an intersection after its parts
        several = len(parts(name)) > 1
        own = _Crossed(name, sizes, found, least).hidden() if several else _small(sizes[name], least)
        found[name] = _together(sizes[name], own, least)
    return {(name, group) for name, own in found.items() for group in own}


def _small(groups: Groups, least: int) -> set[str]:
    return {group for group, n in groups.items() if 0 < n < least}


def _together(groups: Groups, own: set[str], least: int) -> set[str]:
    """The hidden groups, and the smallest of the others where these are too few together."""
    if not 0 < sum(groups[group] for group in own) < least:
        return own
    others = sorted((n, group) for group, n in groups.items() if n and group not in own)
    return own | {group for _, group in others[:1]}


class _Crossed:
    """An intersection as a table whose rows and columns are its parts' groups, the hidden ones as one."""

    def __init__(
        self, name: str, sizes: Mapping[str, Groups], found: Mapping[str, Set[str]], least: int
    ) -> None:
        self.least, self.groups, self.parts = least, sizes[name], parts(name)
        pools = [found.get(part, frozenset()) for part in self.parts]
        self.places = {group: _place(group, pools) for group in self.groups}
        self.n: Counter[Place] = Counter()
        self.lines: dict[Line, list[Place]] = {}
        for group, place in self.places.items():
            self.n[place or ()] += self.groups[group]
        for place in filter(None, self.n):
            for line in enumerate(place):
                self.lines.setdefault(line, []).append(place)
        self.totals: Counter[Line] = Counter()  # as published: of parts that are attributes themselves
        for axis, (part, pool) in enumerate(zip(self.parts, pools, strict=True)):
            for group, n in sizes.get(part, {}).items():
                self.totals[axis, None if group in pool else group] += n

    def hidden(self) -> set[str]:
        """The groups to hide."""
        small = _small(self.groups, self.least)
        places = {
            place for group, place in self.places.items() if place and (group in small or None in place)
        }
        if not any(self.n[place] for place in places):
            return small
        if len(self.parts) > 2:
            return set(self.groups)
        everywhere = self._widened(places) | {None}
        return {group for group, place in self.places.items() if place in everywhere}

    def _widened(self, hidden: Set[Place]) -> set[Place]:
        """The hidden places with the pivot's, and with the smallest others of lines that hide too few."""
        found, pivot = set(hidden), self._pivot(hidden)
        while True:
            found |= self._crossing(found, pivot)
            shown = next(self._short(found), None)
            if shown is None:
                return found
            found.add(min(shown, key=lambda place: (self.n[place], place)))

    def _short(self, hidden: Set[Place]) -> Iterator[list[Place]]:
        """What is shown in the lines in which something is hidden, but too little."""
        for line, total in self.totals.items():
            places = self.lines.get(line, [])
            shown = [place for place in places if place not in hidden and self.n[place]]
            if shown and len(shown) < len(places) and total - sum(self.n[p] for p in shown) < self.least:
                yield shown

    def _pivot(self, hidden: Set[Place]) -> Place | None:
        """The pivot that costs the fewest decisions; None where none is needed."""
        if () in self.n or len({axis for axis, _ in self.totals}) < 2:
            return None
        large = (place for place, n in self.n.items() if n >= self.least)
        return min(large, key=lambda place: (self._cost(hidden, place), str(place)), default=None)

    def _cost(self, hidden: Set[Place], pivot: Place) -> int:
        return sum(self.n[place] for place in self._crossing(hidden, pivot) - hidden)

    def _crossing(self, hidden: Set[Place], pivot: Place | None) -> set[Place]:
        """The places of the pivot's row and column in all columns and rows where something is hidden."""
        if pivot is None:
            return set()
        rows, columns = ({place[axis] for place in {*hidden, pivot}} for axis in (0, 1))
        row = (place for place in self.lines[0, pivot[0]] if place[1] in columns)
        column = (place for place in self.lines[1, pivot[1]] if place[0] in rows)
        return {*row, *column}


def _place(group: str, pools: list[Set[str]]) -> Place | None:
    """Where a group is in the table; None for `__other__`, which may be anywhere."""
    ends = [UNKNOWN] * len(pools) if group == UNKNOWN else parts(group)
    if len(ends) != len(pools):
        return None
    return tuple(None if end in pool else end for end, pool in zip(ends, pools, strict=True))
