"""Strings as small numbers, and their caps."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.codes import COMMON, LIMIT, NAMES, OTHER, OTHER_CODE, Codes, Vocabularies, Vocabulary

texts = st.lists(st.none() | st.text(max_size=3) | st.just(OTHER))


@given(texts)
def test_codes_give_the_texts_back(found: list[str | None]) -> None:
    codes = Codes()
    assert [codes.texts[code] for code in codes.encode(found).tolist()] == found
    assert codes.encode(found).tolist() == codes.encode(found).tolist()


def test_beyond_sixteen_bits_all_is_other() -> None:
    codes = Codes()
    numbers = codes.encode(f"t{i}" for i in range(LIMIT + 10)).tolist()
    assert len(codes.texts) == LIMIT + 1
    assert max(numbers) == LIMIT
    assert numbers[-10:] == [OTHER_CODE] * 10
    assert codes.code("t0") == 2


@given(texts, st.integers(0, 5))
def test_a_vocabulary_knows_the_first_ones_and_keeps_to_them(found: list[str | None], limit: int) -> None:
    codes = Codes()
    vocabulary = Vocabulary(codes, limit)
    seen = dict.fromkeys(text for text in found if text not in (None, OTHER))
    named = {None, OTHER, *list(seen)[:limit]}
    expected = [text if text in named else OTHER for text in found]
    assert [codes.texts[code] for code in vocabulary.encode(found).tolist()] == expected
    assert vocabulary.refused == sum(text not in named for text in found)


def test_names_of_before_are_kept_however_many_there_are() -> None:
    codes = Codes()
    vocabulary = Vocabulary(codes, limit=2)
    vocabulary.know(["F", None, "M", "X"])
    named = vocabulary.encode(["X", "Y", "F", None]).tolist()
    assert [codes.texts[code] for code in named] == ["X", OTHER, "F", None]
    assert vocabulary.refused == 1


def test_each_field_has_its_own_cap() -> None:
    fields = Vocabularies(Codes())
    for field, count in (("sex", 2), ("race", 5)):
        fields.encode(field, [f"{field}{i}" for i in range(count)], limit=3)
    assert fields.refused == {"race": 2}


FLOOD = [f"t{i}" for i in range(LIMIT)]


def test_values_leave_room_for_names() -> None:
    """Names that stood for one another would mix up what was counted of them."""
    codes = Codes()
    flood = [codes.value(text) for text in FLOOD]
    assert flood[-1] == OTHER_CODE
    assert codes.value("t0") == 2
    assert len({codes.code(f"name {i}") for i in range(NAMES)} - {OTHER_CODE}) == NAMES


def test_whoever_floods_one_model_leaves_the_others_their_own_room() -> None:
    codes = Codes(models=3)
    flooded, other = Vocabularies(codes), Vocabularies(codes)
    own = (LIMIT - NAMES - COMMON) // 3
    flooded.encode("reason", FLOOD, LIMIT)
    assert flooded.refused == {"reason": LIMIT - (len(codes) - 2)}
    assert len(codes) == COMMON + 1 + own
    found = other.encode("sex", [f"group {i}" for i in range(own + 1)], LIMIT).tolist()
    assert (len(set(found)), found[-1], other.refused) == (own + 1, OTHER_CODE, {"sex": 1})
    assert other.encode("job", ["t0"], LIMIT).tolist() == [2]  # what has a code needs no room


def test_what_was_known_before_takes_the_room_that_it_took() -> None:
    codes = Codes(models=3)
    restored, own = Vocabularies(codes), (LIMIT - NAMES - COMMON) // 3
    known = FLOOD[: COMMON + own]
    codes.encode(known)
    restored.know("reason", known, LIMIT)
    assert restored.encode("sex", ["F"], LIMIT).tolist() == [OTHER_CODE]
    assert OTHER_CODE not in restored.encode("reason", known, LIMIT).tolist()
