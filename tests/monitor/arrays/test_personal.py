"""What looks like a person's, and what only might."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.codes import OTHER, Codes, Vocabularies, Vocabulary
from monitor.arrays.personal import PERSONAL, looks, shown

SEEN = {
    "email": ["jane@example.com", "call Jané at jané@exämple.co.uk!", "mailto:a.b+c@x-y.org", "<a@b.museum>"],
    "phone": [
        "+44 20 7946 0958", "+1 (212) 555-0123", "+4915112345678", "(212) 555-0123", "212-555-0123",
        "212.555.0123", "020 7946 0958", "0171/1234567", " +33 1 23 45 67 89 ",
    ],
    "iban": ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "NO9386011117947"],
    "card": ["4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009"],
    "ssn": ["123-45-6789"],
}  # fmt: skip
NOBODY = [
    "", "F", "30 to 39", "under 25", "65+", "N1 9GU", "2026-03-01", "2026-03-01T09:30:00Z", "10.0.0.1",
    "10000-20000",
    "0100-0200", "00100-00200", "1767225600", "1767225600000", "4242424242424242424242", "4111111111111112",
    "1234567890123456", "loan-1234567890", "8f14e45f-ceea-4e1b-9a5d-0123456789ab", "v1.2.3", "pkg@1.2.3",
    "DE89370400440532013001", "AB12CDEF", "@home", "user@host", "a & b", "+10 to +20", "666-45-6789",
    "123-00-6789", "05/2024-2025", "1,234,567.89", OTHER, PERSONAL, "unknown", "+", "(", "0" * 256,
    "+" * 256, "9" * 256, "@" * 256, "a@" * 128, "a@" + "a." * 127, "AA00" + " " * 200,
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in SEEN.items() for text in texts])
def test_it_is_seen(kind: str, text: str) -> None:
    assert looks(text) == kind


@pytest.mark.parametrize("text", NOBODY)
def test_it_is_nobodys(text: str) -> None:
    assert looks(text) is None


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    assert looks(text) in (None, *SEEN)
    assert len(shown(text)) <= 10 * 60


@given(st.from_regex(r"\A[\w.+-]{1,20}@[a-z0-9]{1,20}\.[a-z]{2,6}\Z"))
def test_every_plain_address_is_seen(text: str) -> None:
    assert text[0] == "@" or not text[text.index("@") - 1].isalnum() or looks(text) == "email"


def test_a_vocabulary_has_no_name_for_what_looks_personal() -> None:
    codes = Codes()
    vocabulary = Vocabulary(codes, limit=2)
    found = ["F", "jane@example.com", "joe@example.com", "jane@example.com", "+44 20 7946 0958", "M", "X"]
    named = [codes.texts[code] for code in vocabulary.encode(found).tolist()]
    assert named == ["F", *[PERSONAL] * 4, "M", OTHER]
    assert (vocabulary.personal, vocabulary.refused) == ({"email": 3, "phone": 1}, 1)
    assert codes.texts.count(PERSONAL) == 1
    assert not any("@" in (text or "") for text in codes.texts)


def test_what_counted_by_name_before_does_so_no_longer() -> None:
    codes = Codes()
    vocabulary = Vocabulary(codes, limit=2)
    vocabulary.know(["F", "jane@example.com"])
    assert [codes.texts[c] for c in vocabulary.encode(["jane@example.com", "F"]).tolist()] == [PERSONAL, "F"]


def test_fields_that_are_not_checked_keep_their_names() -> None:
    codes = Codes()
    fields = Vocabularies(codes, lambda field: field != "office")
    for field in ("office", "home"):
        fields.encode(field, ["+44 20 7946 0958", "x"], limit=5)
    assert fields.personal() == {"home": {"phone": 1}}
    assert fields.personal() == {}
