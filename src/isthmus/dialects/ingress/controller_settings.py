"""The ConfigMap of the controller that the objects come from: which of its keys are read here, and which are not.

The keys are those that annotations name as their defaults, and a list of each controller's others. Rule: a key that
nobody reads is a finding, once for the ConfigMap.
"""

from __future__ import annotations

from isthmus.dialects.dialect import Options
from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Vocabulary
from isthmus.dialects.ingress.claims import VOCABULARIES
from isthmus.dialects.ingress.nginx import VOCABULARY as NGINX
from isthmus.dialects.ingress.nginx.settings import problem
from isthmus.dialects.services import closest
from isthmus.kube.diagnostics import Diagnostic, Report
from isthmus.kube.objects import ConfigMap, ref_of
from isthmus.kube.refs import FieldPath


def judge(found: ConfigMap, options: Options) -> tuple[Diagnostic, ...]:
    """What is wrong with a ConfigMap; nothing where it is no controller's."""
    name = f"{found.metadata.namespace}/{found.metadata.name}"
    controllers = [each for each in VOCABULARIES if name == (options.controller_config or each.config_map)]
    if not controllers:
        return ()
    report = Report()
    known = {key for each in controllers for key in keys(each)}
    idle = {key: why for each in controllers for key, why in each.idle_settings.items()}
    for key, value in (found.data or {}).items():
        at = FieldPath(("data", key))
        expected = problem(key, value) if any(each is NGINX for each in controllers) else ""
        if expected:
            report.add(codes.INVALID_ANNOTATION, ref_of(found), at, annotation=key, value=value, expected=expected)
        if key in known:
            continue
        if key in idle:
            report.add(codes.NO_EFFECT, ref_of(found), at, annotation=key, why=idle[key])
        else:
            report.add(codes.UNKNOWN_SETTING, ref_of(found), at, key=key, hint=closest(key, known))
    return report.all()


def keys(vocabulary: Vocabulary) -> frozenset[str]:
    """The keys that change something."""
    named = {each.setting for each in vocabulary.known.values() if each.setting}
    return frozenset(named) | vocabulary.settings
