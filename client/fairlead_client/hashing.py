"""Pseudonyms: keyed hashes of ids and entities, made before an event enters the queue."""

from __future__ import annotations

from hashlib import blake2b

MIN_KEY_BYTES = 16


class Pseudonyms:
    """Keyed BLAKE2b (RFC 7693), 128 bits as 32 hex digits.

    The same id gives the same pseudonym in a decision and in its feedback, in every process that
    has the key; without the key nobody can test a guess. Ids and entities are personalised
    differently, so that an id that is also an entity cannot be recognised.

    >>> names = Pseudonyms(b"sixteen bytes or more")
    >>> names.id("loan-17") == names.id("loan-17"), names.id("loan-17") == names.entity("loan-17")
    (True, False)
    """

    def __init__(self, key: bytes | str) -> None:
        """`key`: the secret, at least 16 bytes (text is taken as UTF-8). ValueError if it is shorter."""
        secret = key.encode() if isinstance(key, str) else bytes(key)
        if len(secret) < MIN_KEY_BYTES:
            raise ValueError(
                f"key: {len(secret)} bytes are too few, give at least {MIN_KEY_BYTES} random bytes"
            )
        if len(secret) > blake2b.MAX_KEY_SIZE:
            secret = blake2b(secret).digest()
        self._id = blake2b(key=secret, digest_size=16, person=b"fairlead-id")
        self._entity = blake2b(key=secret, digest_size=16, person=b"fairlead-entity")

    def id(self, value: str) -> str:
        """The pseudonym of a decision id."""
        # Copying the keyed state is about half the price of keying anew.
        state = self._id.copy()
        state.update(value.encode())
        return state.hexdigest()

    def entity(self, value: str) -> str:
        """The pseudonym of a person."""
        state = self._entity.copy()
        state.update(value.encode())
        return state.hexdigest()
