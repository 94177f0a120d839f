"""Every code that Isthmus can print, gathered from the layers; tests and the documentation read it."""

from isthmus.dialects import codes as dialects
from isthmus.dialects.ingress import annotation_codes as annotations
from isthmus.dialects.ingress import codes as ingress
from isthmus.kube import codes as kube
from isthmus.kube.diagnostics import Code
from isthmus.machines import codes as machines

CODES: tuple[Code, ...] = (*kube.CODES, *dialects.CODES, *ingress.CODES, *annotations.CODES, *machines.CODES)
