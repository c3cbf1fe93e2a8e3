"""Whether a model's configuration makes sense as a whole, and all of them: what types alone cannot say."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from monitor import drift, fairness, rates
from monitor.arrays.codes import NAMES
from monitor.config import durations, windows
from monitor.config.config import Columns, ConfigError, Model, Rule, attribute_name
from monitor.config.windows import window_ms
from monitor.drift import detectors
from monitor.facts.returned import KINDS
from monitor.facts.spelling import FLAGS
from monitor.fairness import reference
from monitor.panes import REPEATED, moments, proxies, within

NAME = "a name of 1 to 256 characters"
FIELD = "a field of events, as in 'id' or 'features.income', or a whole map, as in 'features'"


def check(name: str, model: Model) -> None:
    """Raises ConfigError for the first thing that makes no sense."""
    key = f"models.{name}"
    _expect(bool(name) and len(name) <= 256, "models", name, NAME)
    _expect(bool(model.positive), f"{key}.positive", model.positive, "at least one value of `decision`")
    _check_numbers(key, model)
    _check_bounds(f"{key}.bounds", model)
    _check_times(key, model)
    _check_attributes(key, model)
    for i, field in enumerate(model.unchecked):
        _expect(bool(field.strip(".")), f"{key}.unchecked[{i}]", field, FIELD)
    for i, rule in enumerate(model.rules):
        _check_rule(f"{key}.rules[{i}]", rule, model)
    if model.columns is not None:
        _check_columns(f"{key}.columns", model.columns, model)


def check_together(models: Mapping[str, Model]) -> None:
    """Raises ConfigError for more names than a partition can tell apart, with flags that may come."""
    names = {name for model in models.values() for name in _names(model)}
    count = len(names) + FLAGS * len(models) + KINDS
    allowed = f"{NAMES} of all models: attributes, these in slices, features, bounds, {FLAGS} flags for each"
    _expect(count <= NAMES, "models", f"{count} names", f"at most {allowed}")


def _names(model: Model) -> Iterator[str]:
    """Under which names counts of a model are kept, but for flags and numbers of feedback."""
    for name in map(attribute_name, model.attributes):
        yield from (name, REPEATED + name, name + proxies.MARK)
        yield from (within(name, condition) for condition in model.slices)
    for feature in model.features:
        yield from (f"features.{feature}", f"categories.{feature}")
    yield from (moments.measure(number, bounds) for number, bounds in moments.asked(model).items())


def _expect(fine: bool, key: str, value: object, allowed: str) -> None:
    if not fine:
        raise ConfigError(key, value, allowed)


def _check_numbers(key: str, model: Model) -> None:
    _expect(model.min_group >= 1, f"{key}.min_group", model.min_group, "1 or more")
    if isinstance(model.baseline, int):
        allowed = "1 or more decisions, or the file that `fairlead baseline` wrote"
        _expect(model.baseline >= 1, f"{key}.baseline", model.baseline, allowed)


def _check_bounds(key: str, model: Model) -> None:
    numbers = "bounds of score, value, values.NAME, abs_error or squared_error"
    for name, given in model.bounds.items():
        _expect(moments.is_number(name), f"{key}.{name}", given, numbers)
        fine = len(given) == 2 and -moments.LARGEST <= given[0] < given[1] <= moments.LARGEST
        _expect(fine, f"{key}.{name}", given, "two numbers, the lesser first, of up to 10¹² in size")


def _check_times(key: str, model: Model) -> None:
    for field in ("feedback_within", "mature_after", "stale_after"):
        _check_time(f"{key}.{field}", getattr(model, field), durations.milliseconds, durations.ALLOWED)
    _expect(bool(model.windows), f"{key}.windows", model.windows, "at least one window")
    for i, window in enumerate(model.windows):
        _check_time(f"{key}.windows[{i}]", window, window_ms, windows.ALLOWED)
        _expect(window not in model.windows[:i], f"{key}.windows[{i}]", window, "each window once")


def _check_time(key: str, text: str, read: Callable[[str], int | None], allowed: str) -> None:
    try:
        length = read(text)
    except ValueError:
        raise ConfigError(key, text, allowed) from None
    window = read is window_ms
    _expect(length != 0 or not window, key, text, "longer than nothing")


def _check_attributes(key: str, model: Model) -> None:
    names = [attribute_name(attribute) for attribute in model.attributes]
    for i, attribute in enumerate(model.attributes):
        place = f"{key}.attributes[{i}]"
        parts = [attribute] if isinstance(attribute, str) else attribute
        _expect(all(parts), place, attribute, NAME)
        _expect(isinstance(attribute, str) or len(set(parts)) > 1, place, attribute, "two or more different")
        _expect(names[i] not in names[:i], place, attribute, "each attribute once")
        mark = f"a name that does not end with {proxies.MARK!r}"
        _expect(not names[i].endswith(proxies.MARK), place, attribute, mark)
    _check_population(f"{key}.population", model, names)
    if isinstance(model.reference, str):
        words = [word for word in reference.WORDS if word != reference.POPULATION]
        allowed = f'{_one_of(words)}, or a table such as {{ sex = "male" }}'
        known = model.reference in reference.WORDS and model.reference != reference.POPULATION
        _expect(known, f"{key}.reference", model.reference, allowed)
        return
    for attribute, group in model.reference.items():
        _expect(attribute in names, f"{key}.reference.{attribute}", group, f"the attributes {_list(names)}")
        rule_alone = "a group, or another word: rules alone can refer to the population"
        _expect(group != reference.POPULATION, f"{key}.reference.{attribute}", group, rule_alone)


def _check_population(key: str, model: Model, names: list[str]) -> None:
    for attribute, shares in model.population.items():
        _expect(attribute in names, f"{key}.{attribute}", shares, f"the attributes {_list(names)}")
        for group, share in shares.items():
            _expect(0 < share <= 1, f"{key}.{attribute}.{group}", share, "a share, above 0 and up to 1")
        fine = sum(shares.values()) <= 1 + 1e-6
        _expect(fine, f"{key}.{attribute}", shares, "shares that make at most 1 together")


def _check_rule(key: str, rule: Rule, model: Model) -> None:
    if rule.attribute is not None:
        names = [attribute_name(attribute) for attribute in model.attributes]
        known = attribute_name(rule.attribute) in names
        _expect(known, f"{key}.attribute", rule.attribute, f"the attributes {_list(names)}")
    windows = f"the model's windows {_list(model.windows)}"
    _expect(rule.window in (None, *model.windows), f"{key}.window", rule.window, windows)
    _check_time(f"{key}.for", rule.for_, durations.milliseconds, durations.ALLOWED)
    _expect(rule.minimum_sample >= 1, f"{key}.minimum_sample", rule.minimum_sample, "1 or more")
    _check_limits(key, rule)
    _check_metric(key, rule, model)


def _check_limits(key: str, rule: Rule) -> None:
    if rule.min is not None and rule.max is not None:
        _expect(rule.min <= rule.max, f"{key}.min", rule.min, f"at most max, which is {rule.max}")
    if rule.compare == "ratio":
        for field in ("min", "max"):
            limit = getattr(rule, field)
            _expect(limit is None or limit >= 0, f"{key}.{field}", limit, "a ratio, 0 or more")
    one_sided = rule.min is None and rule.max is None
    _expect(
        not one_sided or rule.metric in detectors.names(),
        f"{key}.max",
        None,
        "a number, for min or max or both",
    )


def _check_metric(key: str, rule: Rule, model: Model) -> None:
    if rule.metric in drift.measures():
        _expect(rule.max is not None, f"{key}.max", rule.max, "a number: the largest distance allowed")
        _check_stream(key, rule, ["score", "volume", *(f"features.{name}" for name in model.features)])
    elif rule.metric in detectors.names():
        _check_stream(key, rule, ["error", "selection"], prefix="selection.")
    else:
        fairness.check(rule, key)
        _check_reference(key, rule, model)
        _expect(rule.stream is None, f"{key}.stream", rule.stream, "only with a measure of drift")


def _check_reference(key: str, rule: Rule, model: Model) -> None:
    """What a rule takes over from the model's `reference` is in no error of the rule alone."""
    given = model.attributes if rule.attribute is None else [rule.attribute]
    words = [reference.word(model, attribute_name(attribute), rule) for attribute in given]
    counted = [attribute_name(a) for a in given if attribute_name(a) not in model.population]
    shares = f"the attributes of {key.rpartition('.rules')[0]}.population, which lacks {_list(counted)}"
    _expect(reference.POPULATION not in words or not counted, f"{key}.reference", rule.reference, shares)
    fine = reference.BASELINE not in words or fairness.of_counts(*rates.resolve(rule.metric, rule.compare))
    _expect(fine, f"{key}.reference", reference.BASELINE, fairness.NO_BASELINE.format(rule.metric))


def _check_stream(key: str, rule: Rule, streams: list[str], prefix: str | None = None) -> None:
    known = rule.stream is None or rule.stream in streams
    known |= prefix is not None and rule.stream is not None and rule.stream.startswith(prefix)
    more = f", {prefix}<attribute>.<group>" if prefix else ""
    _expect(known, f"{key}.stream", rule.stream, _one_of(streams) + more)


def _check_columns(key: str, columns: Columns, model: Model) -> None:
    parts = {p for a in model.attributes for p in ([a] if isinstance(a, str) else a)}
    declared = {"attributes": parts, "slices": set(model.slices), "features": set(model.features)}
    for field, names in declared.items():
        for name, column in getattr(columns, field).items():
            _expect(
                name in names, f"{key}.{field}.{name}", column, f"the model's {field} {_list(sorted(names))}"
            )

    for name, cuts in columns.bands.items():
        _expect(name in parts, f"{key}.bands.{name}", cuts, f"the model's attributes {_list(sorted(parts))}")
        rising = bool(cuts) and all(low < high for low, high in pairwise(cuts))
        _expect(rising, f"{key}.bands.{name}", cuts, "one or more numbers that rise")
    for name, count in columns.prefixes.items():
        _expect(
            name in parts, f"{key}.prefixes.{name}", count, f"the model's attributes {_list(sorted(parts))}"
        )
        _expect(count >= 1, f"{key}.prefixes.{name}", count, "1 or more characters")


def _one_of(words: Iterable[str]) -> str:
    return f"one of {_list(words)}"


def _list(words: Iterable[str]) -> str:
    return ", ".join(words) or "(there are none)"
