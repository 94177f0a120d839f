"""Hashes of one password by other programs (Apache's htpasswd, OpenSSL, perl's crypt), for tests."""

PASSWORD = b"s3cret pass"

HASHES = {
    "bcrypt": "$2y$04$MrWkDc4ynEND7ywpPhDVROefULZcgj6rkl5VmLz6QIbiL4o/9BmgW",
    "apr1": "$apr1$uTwmjNtu$nUX6LztG4vFtZ8nUN.2R2.",
    "apr1 by openssl": "$apr1$abcdefgh$iVGZR3x9hiALS2gN0Pd2a.",
    "md5": "$1$abcdefgh$yUi22Wh0AmKpErdRTSZwv1",
    "sha256": "$5$ZtNYUqQjLY2Ye3Is$LDWTxurhw/0RnYiGa6zIASlaZCZ5lDFXKvCO98/WCW1",
    "sha512": (
        "$6$e7ajIOMqSWf1FtBq$9RnA3sAIJ50sLBwxI1EInsHaI1BWLR.E5KhzbEy9htJKbjb9mNMLwxL0VtP.nT5ch4vQxENDadnBCXMAgQWTm0"
    ),
    "sha512 with rounds": (
        "$6$rounds=10000$abcdefgh$FAyiScLRAkWJ8RfB6NYgN2Ngi6EPtUa6Ycxk3JXE4Yh2dOkVeEdJGRqu9V112P6jpDd1XGKlHhP.qV7UeSIDd."
    ),
    "sha1": "{SHA}ohgYgF2kkgMlRbH1HlEDczlOc+M=",
    "salted sha1": "{SSHA}N6QkTxiRGkNR9TODMa1OiNzsETRzYWx0",
    "des": "abTk71qDTQKMY",
}
UNUSABLE = {
    "nothing": "",
    "plain": "s3cret",
    "marked plain": "{PLAIN}s3cret",
    "slow bcrypt": "$2y$15$MrWkDc4ynEND7ywpPhDVROefULZcgj6rkl5VmLz6QIbiL4o/9BmgW",
    "short bcrypt": "$2y$04$MrWkDc4ynEND7ywpPhDVRO",
    "slow sha512": "$6$rounds=99999999$abcdefgh$" + "a" * 86,
    "unknown crypt": "$7$abcdefgh$" + "a" * 43,
    "short sha1": "{SHA}ohgYgF2k",
    "argon2": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
    "other script": "$1$abcdefgh$" + "é" * 22,
    "NUL": "abTk71qDTQKM\0",
}
