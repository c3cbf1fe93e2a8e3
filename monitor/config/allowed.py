"""What a typed setting allows, in words: from the struct's types, for error messages."""

import re

from msgspec import inspect

_WORDS: dict[type[inspect.Type], tuple[str, str]] = {  # of one, of many
    inspect.StrType: ("a string", "strings"),
    inspect.BoolType: ("true or false", "true or false"),
    inspect.IntType: ("a whole number", "whole numbers"),
    inspect.FloatType: ("a number", "numbers"),
    inspect.AnyType: ("anything", "anything"),
    inspect.CustomType: ('a reference, { env = "NAME" } or { file = "PATH" }', "references"),
    inspect.StructType: ("a table", "tables"),
}


def at(to: object, path: str) -> str:
    """What is allowed at a path (as msgspec spells it, without `$`) below a type.

    >>> from monitor.config.config import Rule
    >>> at(list[Rule], "[0].severity"), at(Rule, ".min"), at(Rule, ".attribute")
    ('one of critical, info, warning', 'a number', 'a string or an array of strings')
    """
    return words(_follow(inspect.type_info(to), path))


def keys(to: object, path: str) -> list[str]:
    """The keys of the table at a path below a type.

    >>> from monitor.config.config import Route
    >>> keys(Route, ".match")
    ['model', 'severity', 'rule']
    """
    found = _follow(inspect.type_info(to), path)
    if isinstance(found, inspect.UnionType):
        found = next(option for option in found.types if isinstance(option, inspect.StructType))
    return [field.encode_name for field in found.fields] if isinstance(found, inspect.StructType) else []


def words(found: inspect.Type, many: bool = False) -> str:
    """A type in words.

    >>> words(inspect.type_info(dict[str, str] | None)), words(inspect.type_info(list[str | int | float]))
    ('a table of strings', 'an array of strings or numbers')
    """
    if isinstance(found, inspect.LiteralType):
        return f"one of {', '.join(str(value) for value in found.values)}"
    if isinstance(found, inspect.UnionType):
        kinds = {type(each) for each in found.types}
        idle = {inspect.NoneType} | ({inspect.IntType} if inspect.FloatType in kinds else set())
        return " or ".join(words(each, many) for each in found.types if type(each) not in idle)
    if isinstance(found, inspect.ListType):
        return f"{'arrays' if many else 'an array'} of {words(found.item_type, many=True)}"
    if isinstance(found, inspect.DictType):
        return f"{'tables' if many else 'a table'} of {words(found.value_type, many=True)}"
    return _WORDS[type(found)][many]


def _follow(found: inspect.Type, path: str) -> inspect.Type:
    for name, index in re.findall(r"\.([\w-]+)|\[(\d+|\.\.\.)\]", path):
        options = found.types if isinstance(found, inspect.UnionType) else (found,)
        found = next(
            (inner for option in options if (inner := _inner(option, name, index)) is not None), found
        )
    return found


def _inner(found: inspect.Type, name: str, index: str) -> inspect.Type | None:
    if name and isinstance(found, inspect.StructType):
        return next((field.type for field in found.fields if field.encode_name == name), None)
    if index == "..." and isinstance(found, inspect.DictType):
        return found.value_type
    if index and isinstance(found, inspect.ListType):
        return found.item_type
    return None
