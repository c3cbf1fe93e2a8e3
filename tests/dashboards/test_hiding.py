"""Small groups are hidden with enough beside them, and large ones not without need."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from dashboards.hiding import Cell, hidden
from monitor.arrays.codes import OTHER
from monitor.config import escape, parts
from monitor.panes import UNKNOWN

LEAST = 10
Table = dict[tuple[str, ...], int]
Sizes = dict[str, dict[str, int]]


def crossed(table: Table, names: tuple[str, ...] = ("sex", "team")) -> Sizes:
    """The sizes of some attributes and of their intersection."""
    sizes: Sizes = {name: {} for name in (*names, " & ".join(names))}
    for groups, n in table.items():
        for name, group in [
            *zip(names, groups, strict=True),
            (" & ".join(names), " & ".join(map(escape, groups))),
        ]:
            sizes[name][group] = sizes[name].get(group, 0) + n
    return {name: {g: n for g, n in groups.items() if n} for name, groups in sizes.items()}


def shown(sizes: Sizes, name: str) -> set[str]:
    return {group for group in sizes[name] if (name, group) not in hidden(sizes, LEAST)}


def possible(sizes: Sizes) -> Sizes:
    """With the groups of intersections that nobody is in: they are absent, as hidden ones are."""
    pairs = {name: product(*(sizes.get(part, {}) for part in parts(name))) for name in sizes if " & " in name}
    absent = {
        name: {OTHER: 0} | dict.fromkeys((" & ".join(map(escape, pair)) for pair in pairs[name]), 0)
        for name in pairs
    }
    return {name: absent.get(name, {}) | groups for name, groups in sizes.items()}


def sums(sizes: Sizes) -> Iterator[tuple[dict[Cell, int], int]]:
    """What adds up: groups with their signs, and the sum. Nobody knows how many of each row are in OTHER."""
    for name, groups in sizes.items():
        yield {(name, group): 1 for group in groups}, sum(groups.values())
        for place, part in enumerate(parts(name) if " & " in name else ()):
            of_other = {whole: (name, f"{OTHER} of {whole}") for whole in sizes.get(part, {})}
            for whole, slack in of_other.items():
                inside = {(name, g): -1 for g in groups if g != OTHER and parts(g)[place] == whole}
                yield {(part, whole): 1, slack: -1, **inside}, 0
            if of_other:
                yield {**dict.fromkeys(of_other.values(), 1), (name, OTHER): -1}, 0


def room(sizes: Sizes, cell: Cell) -> float:
    """How far apart the sizes of a group are that agree with all that is published; by linear programming."""
    secret = hidden(sizes, LEAST)
    sizes = possible(sizes)
    absent = {(name, g) for name, groups in sizes.items() for g, n in groups.items() if not n and g != OTHER}
    unknown = {found for terms, _ in sums(sizes) for found in terms if found[1] not in sizes[found[0]]}
    secret |= absent | unknown
    place = {found: i for i, found in enumerate(sorted(secret))}
    rows, rest = [], []
    for terms, whole in sums(sizes):
        row, total = np.zeros(len(secret)), whole
        for (name, group), sign in terms.items():
            if (name, group) in place:
                row[place[name, group]] = sign
            else:
                total -= sign * sizes[name][group]
        rows.append(row)
        rest.append(total)
    aim = np.eye(len(secret))[place[cell]]
    ends = [linprog(sign * aim, A_eq=np.array(rows), b_eq=rest, method="highs").fun for sign in (1, -1)]
    return -ends[1] - ends[0]


def small(sizes: Sizes) -> list[Cell]:
    return [(name, group) for name, groups in sizes.items() for group, n in groups.items() if 0 < n < LEAST]


def capped(groups: dict[str, int], named: int) -> dict[str, int]:
    """The first groups by name, the rest as OTHER."""
    first = dict(list(groups.items())[:named])
    rest = sum(groups.values()) - sum(first.values())
    return first | ({OTHER: rest} if rest else {})


numbers = st.sampled_from([0, 1, 3, 9, 10, 12, 20, 50, 100, 200])


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows, columns = draw(st.sampled_from([2, 3, 4, 1])), draw(st.sampled_from([2, 3, 4, 5, 1]))
    return {(f"a{i}", f"b{j}"): draw(numbers) for i in range(rows) for j in range(columns)}


@settings(max_examples=60)
@given(tables(), st.sampled_from(["", "", "sex", "team"]), st.sampled_from([20, 20, 5, 2]))
def test_nothing_published_tells_the_size_of_a_small_group(table: Table, omitted: str, named: int) -> None:
    assume(sum(table.values()) >= LEAST)
    sizes = {name: groups for name, groups in crossed(table).items() if name != omitted}
    sizes["sex & team"] = capped(sizes["sex & team"], named)
    for cell in small(sizes):
        assert cell in hidden(sizes, LEAST)
        assert room(sizes, cell) > LEAST - 1e-6


@settings(max_examples=200)
@given(st.lists(st.integers(LEAST, 500), min_size=2, max_size=20), st.lists(st.integers(1, 9), max_size=30))
def test_of_the_large_groups_of_an_attribute_at_most_the_smallest_is_hidden(
    large: list[int], few: list[int]
) -> None:
    sizes = {"race": {f"g{i}": n for i, n in enumerate(large + few)}}
    gone = sorted(sizes["race"][group] for _, group in hidden(sizes, LEAST))
    assert gone == sorted(few) + ([min(large)] if 0 < sum(few) < LEAST else [])


def test_a_group_of_three_in_a_thousand_takes_the_smallest_with_it() -> None:
    assert shown({"race": {"A": 600, "B": 300, "C": 97, "D": 3}}, "race") == {"A", "B"}


def test_a_large_group_stays_where_the_small_ones_hide_each_other() -> None:
    assert shown({"race": {"A": 600, "B": 300, "C": 97, "D": 3, "E": 7}}, "race") == {"A", "B", "C"}


def test_a_small_group_of_an_intersection_takes_one_of_each_row_and_column_with_it() -> None:
    few = {("F", "Asian"): 2, ("F", "Native"): 4, ("M", "Asian"): 30, ("M", "Native"): 16}
    rest = {("F", "Other"): 58, ("M", "Other"): 285, ("F", "White"): 482, ("M", "White"): 1621}
    sizes = crossed({**few, **rest})
    assert shown(sizes, "sex") == {"F", "M"}
    assert shown(sizes, "team") == {"Asian", "Native", "Other", "White"}
    assert shown(sizes, "sex & team") == {"F & White", "M & White"}


def test_what_is_hidden_in_a_part_is_one_column_of_the_intersection() -> None:
    table = {(sex, race): n for sex in "FM" for race, n in {"A": 300, "B": 200, "C": 40, "D": 4}.items()}
    assert shown(crossed(table), "sex & team") == {f"{sex} & {race}" for sex in "FM" for race in "AB"}


def test_an_intersection_whose_parts_are_no_attributes_hides_as_an_attribute_does() -> None:
    sizes = {
        "sex & team": crossed({("F", "x"): 3, ("F", "y"): 8, ("M", "x"): 90, ("M", "y"): 70})["sex & team"]
    }
    assert shown(sizes, "sex & team") == {"M & x", "M & y"}


def test_intersections_of_three_are_shown_whole_or_not_at_all() -> None:
    table = dict.fromkeys(product("FM", "xy", "12"), 50)
    names = ("sex", "team", "shift")
    assert len(shown(crossed(table, names), " & ".join(names))) == 8
    sizes = crossed(table | {("F", "x", "1"): 3}, names)
    assert shown(sizes, " & ".join(names)) == set()
    assert shown(sizes, "shift") == {"1", "2"}


def test_those_who_have_neither_part_are_in_the_row_and_column_of_the_unknown() -> None:
    table = {("F", "x"): 60, ("F", UNKNOWN): 40, (UNKNOWN, "x"): 30, ("M", "x"): 50, ("M", UNKNOWN): 45}
    sizes = crossed(table | {(UNKNOWN, UNKNOWN): 3})
    sizes["sex & team"][UNKNOWN] = sizes["sex & team"].pop(f"{UNKNOWN} & {UNKNOWN}")
    gone = {UNKNOWN, f"F & {UNKNOWN}", f"{UNKNOWN} & x", "F & x"}
    assert sizes["sex & team"].keys() - shown(sizes, "sex & team") == gone


def test_a_flood_of_groups_hides_them_and_no_others() -> None:
    """A hundred names an attribute, everybody else in `__other__`: the large groups stay."""
    strangers = {(f"g{i}", f"g{j}"): 1 for i in range(96) for j in range(30)}
    sizes = crossed(dict.fromkeys(product("AB", "FM"), 250) | strangers)
    sizes["sex & team"] = capped(sizes["sex & team"], 100)
    assert shown(sizes, "sex & team") == {f"{a} & {b}" for a, b in product("AB", "FM")}
    assert shown(sizes, "sex") == sizes["sex"].keys()


@pytest.mark.parametrize("names", [[r"R \& D"], ["x", "x & y"]])
def test_odd_names_stop_nothing(names: list[str]) -> None:
    sizes = {"sex & team": {**dict.fromkeys(names, 3), "F & x": 40, "F & y": 50}, "team": {"x": 40, "y": 56}}
    assert {("sex & team", name) for name in names} <= hidden(sizes, LEAST)
