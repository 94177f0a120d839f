"""Every code that Isthmus can print, gathered from the layers; tests and the documentation read it."""

import operator

from isthmus.dialects import codes as dialects
from isthmus.dialects.ingress import annotation_codes as annotations
from isthmus.dialects.ingress import codes as ingress
from isthmus.dialects.ingress.hosts import host_codes as hosts
from isthmus.dialects.ingress.nginx_org import codes as nginx_org
from isthmus.kube import codes as kube
from isthmus.kube.diagnostics import Code
from isthmus.machines import codes as machines

_ALL = (kube, dialects, ingress, annotations, hosts, nginx_org, machines)
CODES: tuple[Code, ...] = tuple(sorted((code for each in _ALL for code in each.CODES), key=operator.attrgetter("id")))
