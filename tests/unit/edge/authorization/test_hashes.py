"""Passwords against hashes made by other programs."""

from __future__ import annotations

import pytest
from htpasswd_hashes import HASHES, PASSWORD, UNUSABLE

from isthmus.edge.authorization.hashes import fits


@pytest.mark.parametrize("value", HASHES.values(), ids=HASHES)
def test_the_right_password_fits_and_no_other(value: str) -> None:
    assert fits(PASSWORD, value)
    wrong = [b"", b"S3cret pass", b"x" + PASSWORD, PASSWORD[:-6], value.encode(), b"\xff\xfe"]
    assert [each for each in wrong if fits(each, value)] == []


@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
def test_nothing_fits_what_is_no_hash(value: str) -> None:
    assert not any(fits(each, value) for each in (b"", b"s3cret", PASSWORD, value.encode()))


def test_bcrypt_looks_at_72_bytes_as_htpasswd_does() -> None:
    value = "$2y$04$NnKLcK4oVsMqNm5icUCvbeK1ZjHNY2IVYscLWX2TjvHjRPFdYmVjy"  # htpasswd -nbB -C 4 of 80 times x
    assert fits(b"x" * 80, value)
    assert not fits(b"x" * 71, value)


@pytest.mark.parametrize("value", HASHES.values(), ids=HASHES)
def test_nul_is_in_no_password(value: str) -> None:
    assert not fits(PASSWORD + b"\0", value)
