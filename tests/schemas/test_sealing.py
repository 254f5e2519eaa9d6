"""Sealed secrets open only where they belong."""

from __future__ import annotations

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sealing import BadKey, Keyring, Place, SealBroken, new_key, token_digest

PLACE = Place("acme", "c1", "credentials.token")
RING = Keyring([b"k" * 32])


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens_again(secret: str) -> None:
    assert RING.open(RING.seal(secret, PLACE), PLACE) == secret


def test_equal_secrets_look_different() -> None:
    assert RING.seal("s", PLACE) != RING.seal("s", PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("globex", "c1", "credentials.token"),
        Place("acme", "c2", "credentials.token"),
        Place("acme", "c1", "credentials.refresh"),
        Place("", "acme|c1", "credentials.token"),
    ],
)
def test_a_row_copied_elsewhere_does_not_open(elsewhere: Place) -> None:
    with pytest.raises(SealBroken):
        RING.open(RING.seal("s", PLACE), elsewhere)


def test_parts_that_could_be_cut_in_two_ways_are_told_apart() -> None:
    with pytest.raises(SealBroken):
        RING.open(RING.seal("s", Place("a|b", "c", "f")), Place("a", "b|c", "f"))


def test_every_flipped_bit_is_noticed() -> None:
    version, key, nonce, ciphertext = RING.seal("secret", PLACE).split(".")
    for position, text in enumerate((nonce, ciphertext)):
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        for bit in range(len(data) * 8):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            parts = [nonce, ciphertext]
            parts[position] = base64.urlsafe_b64encode(flipped).rstrip(b"=").decode()
            with pytest.raises(SealBroken):
                RING.open(".".join((version, key, *parts)), PLACE)


def test_after_a_rotation_the_old_key_opens_and_the_new_one_seals() -> None:
    old, new = new_key(), new_key()
    before = Keyring.from_text(old).seal("s", PLACE)
    both = Keyring.from_text(f"{new}, {old}")
    assert both.open(before, PLACE) == "s"
    assert not both.is_current(before)
    after = both.seal("s", PLACE)
    assert both.is_current(after)
    assert Keyring.from_text(new).open(after, PLACE) == "s"
    with pytest.raises(SealBroken, match="no key"):
        Keyring.from_text(new).open(before, PLACE)


def test_the_key_id_is_bound_too() -> None:
    first, second = os.urandom(32), os.urandom(32)
    ring = Keyring([first, second])
    other = Keyring([second])
    foreign = other.seal("s", PLACE).split(".")
    foreign[1] = ring.seal("s", PLACE).split(".")[1]
    with pytest.raises(SealBroken):
        ring.open(".".join(foreign), PLACE)


@pytest.mark.parametrize(
    "garbage", ["", "s", "v1.a.b", "v2.00000000.AAAA.AAAA", "v1.00000000.*.*", "v1.00000000.A.A", "v1.x.AAAA.é"]
)
def test_garbage_is_a_broken_seal(garbage: str) -> None:
    with pytest.raises(SealBroken):
        RING.open(garbage, PLACE)


@pytest.mark.parametrize("text", ["", "abc", "not base64!", base64.b64encode(b"short").decode()])
def test_a_bad_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(BadKey) as caught:
        Keyring.from_text(text)
    assert not text or text not in str(caught.value)


def test_errors_and_representations_hold_no_secret() -> None:
    sealed = RING.seal("hunter2", PLACE)
    with pytest.raises(SealBroken) as caught:
        RING.open(sealed, Place("globex", "c1", "credentials.token"))
    for part in ("hunter2", sealed.split(".")[3], base64.b64encode(b"k" * 32).decode()):
        assert part not in str(caught.value)
        assert part not in repr(RING)


def test_a_tokens_digest_is_its_sha_256() -> None:
    assert token_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
