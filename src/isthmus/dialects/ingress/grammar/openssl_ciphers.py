"""OpenSSL's cipher strings, as the explicit list of what Envoy's BoringSSL has of them, the best one first.

Lists for TLS up to 1.2; those of 1.3 are not for anybody to choose, in nginx as in Envoy. Rule: what is asked to be
left out is never in the list, and a word that nobody knows adds nothing. Source: OpenSSL, ciphers(1); BoringSSL,
ssl/ssl_cipher.cc.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# What Envoy can speak, in OpenSSL's order of strength, with the words that mean it.
_KNOWN = {
    "ECDHE-ECDSA-AES256-GCM-SHA384": "ECDHE ECDSA AES AES256 AESGCM SHA384 AEAD TLSv1.2 HIGH",
    "ECDHE-RSA-AES256-GCM-SHA384": "ECDHE aRSA AES AES256 AESGCM SHA384 AEAD TLSv1.2 HIGH",
    "ECDHE-ECDSA-CHACHA20-POLY1305": "ECDHE ECDSA CHACHA20 AEAD TLSv1.2 HIGH",
    "ECDHE-RSA-CHACHA20-POLY1305": "ECDHE aRSA CHACHA20 AEAD TLSv1.2 HIGH",
    "ECDHE-ECDSA-AES128-GCM-SHA256": "ECDHE ECDSA AES AES128 AESGCM SHA256 AEAD TLSv1.2 HIGH",
    "ECDHE-RSA-AES128-GCM-SHA256": "ECDHE aRSA AES AES128 AESGCM SHA256 AEAD TLSv1.2 HIGH",
    "ECDHE-ECDSA-AES256-SHA": "ECDHE ECDSA AES AES256 SHA1 TLSv1 HIGH",
    "ECDHE-RSA-AES256-SHA": "ECDHE aRSA AES AES256 SHA1 TLSv1 HIGH",
    "ECDHE-ECDSA-AES128-SHA": "ECDHE ECDSA AES AES128 SHA1 TLSv1 HIGH",
    "ECDHE-RSA-AES128-SHA": "ECDHE aRSA AES AES128 SHA1 TLSv1 HIGH",
    "AES256-GCM-SHA384": "kRSA aRSA AES AES256 AESGCM SHA384 AEAD TLSv1.2 HIGH",
    "AES128-GCM-SHA256": "kRSA aRSA AES AES128 AESGCM SHA256 AEAD TLSv1.2 HIGH",
    "AES256-SHA": "kRSA aRSA AES AES256 SHA1 SSLv3 HIGH",
    "AES128-SHA": "kRSA aRSA AES AES128 SHA1 SSLv3 HIGH",
}
_MEANT = {name: frozenset(words.split()) | {name} for name, words in _KNOWN.items()}
_OTHER_WORDS = {  # spellings of the words above; what stands for several has several
    "ALL": ("HIGH",),
    "DEFAULT": ("HIGH",),
    "COMPLEMENTOFALL": (),
    "SHA": ("SHA1",),
    "EECDH": ("ECDHE",),
    "kECDHE": ("ECDHE",),
    "kEECDH": ("ECDHE",),
    "ECDH": ("ECDHE",),
    "aECDSA": ("ECDSA",),
    "RSA": ("kRSA",),
    "TLSv1.0": ("TLSv1", "SSLv3"),
    "TLSv1": ("TLSv1", "SSLv3"),
}
# Words that mean nothing that Envoy has: leaving them out, or asking for them, changes nothing.
# fmt: off
_EMPTY = frozenset(
    (
        "aNULL", "eNULL", "NULL", "EXPORT", "EXPORT40", "EXPORT56", "EXP", "LOW", "MEDIUM", "DES", "3DES", "RC4", "RC2",
        "MD5", "IDEA", "SEED", "CAMELLIA", "CAMELLIA128", "CAMELLIA256", "ARIA", "ARIA128", "ARIA256", "PSK", "kPSK",
        "aPSK", "kECDHEPSK", "kDHEPSK", "kRSAPSK", "SRP", "DSS", "aDSS", "DH", "DHE", "EDH", "kDHE", "kEDH", "kDH",
        "kDHr", "kDHd", "aDH", "ADH", "AECDH", "kECDH", "kECDHr", "kECDHe", "aECDH", "AESCCM", "AESCCM8", "CBC",
        "SSLv2", "GOST", "GOST94", "GOST89MAC", "aGOST", "aGOST01", "kGOST", "COMPLEMENTOFDEFAULT",
    )
)
# fmt: on
_NOT_OURS = re.compile(
    r"(DHE|ECDHE|EDH|ADH|AECDH|PSK|SRP|DES|RC4|RC2|SEED|IDEA|CAMELLIA|ARIA|AES|TLS|NULL|EXP)[0-9]*[-_].+"
)
_WORD = re.compile(r"[A-Za-z0-9._-]{1,80}")


class Ciphers(NamedTuple):
    """`names` that Envoy takes, in order; `absent` are ciphers that it does not have; `unknown` nobody knows."""

    names: tuple[str, ...]
    absent: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def parse(text: str) -> Ciphers:
    """What of a cipher string Envoy has."""
    chosen: list[str] = []
    killed: set[str] = set()
    absent: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for item in re.split(r"[:, ]+", text.strip()):
        sign, words = (item[0], item[1:]) if item[:1] in tuple("!-+@") else ("", item)
        if not words or sign == "@":
            continue  # @STRENGTH is the order of the words already, @SECLEVEL OpenSSL's own affair
        found = _having(words, absent, unknown)
        if sign == "":
            chosen += [name for name in found if name not in chosen and name not in killed]
        else:
            moved = [name for name in chosen if name in found] if sign == "+" else []
            chosen = [name for name in chosen if name not in found] + moved
            killed |= set(found) if sign == "!" else set()
    return Ciphers(tuple(chosen), tuple(absent), tuple(unknown))


def _having(words: str, absent: dict[str, None], unknown: dict[str, None]) -> list[str]:
    """The ciphers that all of some words, joined by a plus sign, mean."""
    found = list(_KNOWN)
    for word in words.split("+"):
        alike = _OTHER_WORDS.get(word, (word,))
        if word in _EMPTY:
            return []
        if word not in _OTHER_WORDS and not any(word in meant for meant in _MEANT.values()):
            (absent if _NOT_OURS.fullmatch(word) and _WORD.fullmatch(word) else unknown)[word[:80]] = None
            return []
        found = [name for name in found if not _MEANT[name].isdisjoint(alike)]
    return found
