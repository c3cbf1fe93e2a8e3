"""What a typed setting allows, in words: from the struct's types, for error messages."""

import re

from msgspec import inspect

_WORDS = {
    inspect.StrType: "a string",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.NoneType: "nothing",
    inspect.AnyType: "anything",
    inspect.CustomType: 'a reference, { env = "NAME" } or { file = "PATH" }',
    inspect.StructType: "a table",
}


def at(to: object, path: str) -> str:
    """What is allowed at a path (as msgspec spells it, without `$`) below a type.

    >>> from monitor.config import Rule
    >>> at(list[Rule], "[0].severity"), at(Rule, ".min"), at(Rule, ".attribute")
    ('one of critical, info, warning', 'a number', 'a string or an array of a string')
    """
    return words(_follow(inspect.type_info(to), path))


def keys(to: object, path: str) -> list[str]:
    """The keys of the table at a path below a type.

    >>> from monitor.config import Config
    >>> keys(Config, ".http")
    ['host', 'port']
    """
    found = _follow(inspect.type_info(to), path)
    if isinstance(found, inspect.UnionType):
        found = next(option for option in found.types if isinstance(option, inspect.StructType))
    return [field.encode_name for field in found.fields] if isinstance(found, inspect.StructType) else []


def words(found: inspect.Type) -> str:
    """A type in words.

    >>> words(inspect.type_info(dict[str, str] | None))
    'a table, its values a string'
    """
    if isinstance(found, inspect.LiteralType):
        return f"one of {', '.join(str(value) for value in found.values)}"
    if isinstance(found, inspect.UnionType):
        return " or ".join(words(each) for each in found.types if not isinstance(each, inspect.NoneType))
    if isinstance(found, inspect.ListType):
        return f"an array of {words(found.item_type)}"
    if isinstance(found, inspect.DictType):
        return f"a table, its values {words(found.value_type)}"
    return _WORDS[type(found)]


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
