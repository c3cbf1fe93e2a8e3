import pytest

from fairlead_client.hashing import Pseudonyms

KEY = b"0123456789abcdef"


def test_a_pseudonym_is_keyed_blake2b() -> None:
    # `b2sum` has no keys, so these were computed by OpenSSL's BLAKE2BMAC (RFC 7693), 16 bytes,
    # custom "fairlead-id" and "fairlead-entity".
    names = Pseudonyms(KEY)
    assert names.id("loan-17") == "87d9e4fd40ca04740dd76ed6e6b28da0"
    assert names.entity("loan-17") == "602cb2f05fad8c6412ef8c01f9768194"


def test_text_and_bytes_are_the_same_key() -> None:
    assert Pseudonyms(KEY).id("ä") == Pseudonyms(KEY.decode()).id("ä")


def test_other_keys_give_other_pseudonyms() -> None:
    long, longer = b"k" * 65, b"k" * 66  # beyond BLAKE2b's 64 bytes
    ids = {Pseudonyms(key).id("loan-17") for key in (KEY, KEY + b"x", long, longer)}
    assert len(ids) == 4


def test_a_short_key_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match=r"^key: 6 bytes are too few, give at least 16 random bytes$"):
        Pseudonyms("secret")
