"""Whether a password has a hash: bcrypt, MD5-crypt and apr1, SHA-crypt, DES-crypt, {SHA} and {SSHA}.

Slow by design, so it is called in threads. Rule: a hash of any other form fits no password, and the comparison takes
as long for a near miss as for any other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import bcrypt
from passlib.hash import apr_md5_crypt, des_crypt, md5_crypt, sha256_crypt, sha512_crypt

from isthmus.ir.htpasswd import problem

_BCRYPT_BYTES = 72  # it never looked at more; htpasswd cuts there
_SHA1_BYTES = 20
_CRYPT = {"$apr1$": apr_md5_crypt, "$1$": md5_crypt, "$5$": sha256_crypt, "$6$": sha512_crypt}


def fits(password: bytes, value: str) -> bool:
    """Whether `value` is a hash of the password."""
    if problem(value) or b"\0" in password:
        return False
    if value.startswith("$2"):
        return bcrypt.checkpw(password[:_BCRYPT_BYTES], value.encode())
    if value.startswith("{"):
        return _fits_sha1(password, value.partition("}")[2])
    for start, scheme in _CRYPT.items():
        if value.startswith(start):
            return bool(scheme.verify(password, value))
    return bool(des_crypt.verify(password, value))


def _fits_sha1(password: bytes, encoded: str) -> bool:
    """{SHA} is the digest, {SSHA} the digest and the salt that went into it after the password."""
    try:
        value = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    expected, salt = value[:_SHA1_BYTES], value[_SHA1_BYTES:]
    return hmac.compare_digest(hashlib.sha1(password + salt).digest(), expected)
