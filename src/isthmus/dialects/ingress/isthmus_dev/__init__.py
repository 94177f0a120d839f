"""Isthmus's own annotations (isthmus.dev/), read beside those of every controller."""

from isthmus.dialects.ingress.isthmus_dev import transcode

PREFIX = "isthmus.dev/"
FEATURES = (transcode.FEATURE,)
