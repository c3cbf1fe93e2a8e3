"""What is counted: a measure is a family and up to three small fields, packed into 64 bits.

The families, with the kind of each field: c is a string's code (monitor/arrays/codes.py), r a plain number.
"""

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]

CORE = 1  # the model's decision, the outcome, the final decision by a human
FLAG = 2  # a flag's name, 1 false or 2 true
SCORE = 3  # the score's bin, the outcome
NUMBER = 4  # a number's name, its bin (monitor/panes/bins.py)
CATEGORY = 5  # a feature's name, its category
REASON = 7  # a reason's code
SUM = 6  # a number's name, 0 the low 32 bits or 1 the rest: a count of millionths, exact
LAG = 8  # the bin of the days that an outcome took
MOMENT = 9  # a number's name with its bounds, the part of its sums (monitor/panes/moments.py)

OF_RATES = frozenset({CORE, FLAG, REASON})  # what counts cases, and not numbers
OF_TESTS = OF_RATES | {MOMENT}
NAMED = (FLAG, NUMBER, CATEGORY, SUM, MOMENT)  # whose first field is a name, and no value

FIELDS = {
    CORE: "ccc",
    FLAG: "cr",
    SCORE: "rc",
    NUMBER: "cr",
    CATEGORY: "cc",
    SUM: "cr",
    REASON: "c",
    LAG: "r",
    MOMENT: "cr",
}


def pack(family: int, *fields: npt.ArrayLike) -> U64:
    """The 64-bit keys of measures; fields are numbers below 65,536, or arrays of them.

    >>> [hex(int(key)) for key in pack(FLAG, 7, [1, 2])]
    ['0x200070001000000', '0x200070002000000']
    """
    key: U64 = np.array(family << 56, np.uint64)
    for place, values in enumerate(fields):
        key = key | (np.asarray(values).astype(np.uint64) << np.uint64(40 - 16 * place))
    return np.atleast_1d(key)


def field(keys: U64, place: int) -> npt.NDArray[np.uint16]:
    """Field 0, 1 or 2 of each key."""
    return ((keys >> np.uint64(40 - 16 * place)) & np.uint64(0xFFFF)).astype(np.uint16)


def family(keys: U64) -> npt.NDArray[np.uint8]:
    return (keys >> np.uint64(56)).astype(np.uint8)


def coded(keys: U64, place: int) -> npt.NDArray[np.bool_]:
    """Where field `place` is a string's code."""
    return _CODED[place][family(keys)]


def names(keys: U64) -> set[int]:
    """The codes of names in measures: of numbers, flags, features.

    >>> sorted(names(np.concatenate([pack(NUMBER, 7, 9), pack(CATEGORY, 8, 5), pack(REASON, 6)])))
    [7, 8]
    """
    return set(field(keys[np.isin(family(keys), NAMED)], 0).tolist())


def renamed(keys: U64, place: int, code: int) -> U64:
    """The same measures with a string's code in field `place`."""
    shift = np.uint64(40 - 16 * place)
    return (keys & ~(np.uint64(0xFFFF) << shift)) | (np.uint64(code) << shift)


def recoded(keys: U64, codes: npt.NDArray[np.uint16]) -> U64:
    """The same measures with each string's code c replaced by codes[c]."""
    keys = keys.copy()
    for place in range(3):
        at = np.flatnonzero(coded(keys, place))
        shift = np.uint64(40 - 16 * place)
        fresh = codes[field(keys[at], place)].astype(np.uint64) << shift
        keys[at] = (keys[at] & ~(np.uint64(0xFFFF) << shift)) | fresh
    return keys


_CODED = [
    np.array([FIELDS.get(number, "")[place : place + 1] == "c" for number in range(256)])
    for place in range(3)
]
