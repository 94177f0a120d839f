"""The annotations of an object as one feature sees them: only those that it declared, typed, with defaults.

Where the annotation is absent, the controller's ConfigMap may have a default. A value that cannot be used is
reported; then the default counts or, where the annotation restricts access, the path is closed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.grammar.nginx_times import milliseconds
from isthmus.dialects.ingress.handling import Annotation
from isthmus.dialects.services import closest
from isthmus.kube.diagnostics import Code, Report
from isthmus.kube.objects import ConfigMap, Ingress, IngressBackend, Secret, Service, ref_of
from isthmus.kube.refs import FieldPath, annotation
from isthmus.kube.store import Lookup

_TRUE = frozenset({"1", "t", "true"})  # Go's strconv.ParseBool, which both controllers use
_FALSE = frozenset({"0", "f", "false"})
_LONGEST = 65_536  # characters of a value that are looked at
_SIZE = re.compile(r"([0-9]{1,15})([kmgKMG]?)")
_RANGE = re.compile(r"[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class Inherited(Struct, frozen=True):
    """What an Ingress has from another one, by name: names in it are of the other's namespace."""

    keys: frozenset[str]
    source: Ingress


class View:
    """Values of one object for one feature. `closed` says that something asked for cannot be honoured."""

    def __init__(
        self,
        obj: Ingress | Service,
        annotations: Sequence[Annotation],
        report: Report,
        look: Lookup | None = None,
        settings: ConfigMap | None = None,
        inherited: Inherited | None = None,
    ) -> None:
        self._object = obj
        self._known: Mapping[str, Annotation] = {each.key: each for each in annotations}
        self._report = report
        self._look = look
        self._settings = settings
        self._inherited = inherited
        self.closed = False

    def text(self, key: str) -> str | None:
        """The value without surrounding space; None when absent. Asking for an undeclared key is a bug of ours."""
        known = self._known[key]
        value = self._object.metadata.annotations.get(key)
        if value is None and known.setting and self._settings is not None:
            value = (self._settings.data or {}).get(known.setting)
        return None if value is None else value[:_LONGEST].strip()

    def setting(self, name: str) -> str | None:
        """A key of the controller's ConfigMap that no annotation overrides; None when absent."""
        value = (self._settings.data or {}).get(name) if self._settings is not None else None
        return None if value is None else value[:_LONGEST].strip()

    def given(self, key: str) -> bool:
        """Whether the object itself has the annotation, whatever the ConfigMap says."""
        return key in self._known and key in self._object.metadata.annotations

    def boolean(self, key: str, default: bool) -> bool:
        """A Go boolean."""
        value = self.text(key)
        if value is None:
            return default
        if value.lower() in _TRUE or value.lower() in _FALSE:
            return value.lower() in _TRUE
        self.invalid(key, value, "true or false")
        return default

    def on_off(self, key: str, default: bool) -> bool:
        """nginx's own switch: on or off."""
        return self.word(key, ("ON", "OFF"), "ON" if default else "OFF") == "ON"

    def seconds(self, key: str, default_ms: int) -> int:
        """Whole seconds, as milliseconds; ingress-nginx takes a bare number without a unit."""
        value = self.text(key)
        if value is None:
            return default_ms
        if value.isascii() and value.isdigit() and 0 < int(value[:12]) <= 31_536_000:
            return int(value) * 1000
        hint = ", without a unit" if value[:-1].isdigit() else ""
        self.invalid(key, value, f"a whole number of seconds from 1 to 31536000{hint}")
        return default_ms

    def duration(self, key: str, default_ms: int, low_ms: int = 1) -> int:
        """nginx's time, in milliseconds: `1h 30m`, `90s`, `500ms`, or a bare number of seconds; at most a year."""
        value = self.text(key)
        if value is None:
            return default_ms
        time = milliseconds(value)
        if time is not None and time >= low_ms:
            return time
        least = "0" if low_ms == 0 else f"{low_ms}ms"
        self.invalid(key, value, f"a time such as 30s, 1m 30s or 500ms, from {least} to 365d")
        return default_ms

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self.text(key)
        if value is None:
            return default
        if re.fullmatch(r"-?[0-9]{1,18}", value) and low <= int(value) <= high:
            return int(value)
        self.invalid(key, value, f"a whole number from {low} to {high}")
        return default

    def size(self, key: str, default: int) -> int:
        """nginx's size, in bytes: digits and k, m or g."""
        value = self.text(key)
        if value is None:
            return default
        found = _SIZE.fullmatch(value)
        if found:
            return int(found[1]) * _UNITS[found[2].lower()]
        self.invalid(key, value, "a size such as 8k, 10m or 1g")
        return default

    def word(self, key: str, allowed: Sequence[str], default: str) -> str:
        """One of some words, in any case; `allowed` and the answer are in upper case."""
        value = self.text(key)
        if value is None:
            return default
        if value.upper() in allowed:
            return value.upper()
        self.invalid(key, value, f"one of {', '.join(allowed)}{closest(value.upper(), allowed)}")
        return default

    def names(self, key: str) -> tuple[str, ...]:
        """A comma-separated list."""
        value = self.text(key)
        return tuple(part.strip() for part in (value or "").split(",") if part.strip())

    def ranges(self, key: str) -> tuple[str, ...] | None:
        """Source ranges in CIDR notation, bare addresses included; None when absent or when one is no range."""
        text = self.text(key)
        if text is None:
            return None
        if len(text) > _LONGEST - 1_000:
            self.invalid(key, f"{len(text)} characters or more", f"at most {_LONGEST - 1_000}: the rest would be lost")
            return None
        found: list[str] = []
        for part in self.names(key):
            try:
                if not _RANGE.fullmatch(part):  # Python also takes masks and IPv6 zones, Envoy does not
                    raise ValueError
                found.append(str(ipaddress.ip_network(part, strict=False)))
            except ValueError:
                self.invalid(key, part, "addresses or ranges in CIDR notation, such as 10.0.0.0/8")
                return None
        if not found:
            self.invalid(key, "empty", "at least one address or range, such as 10.0.0.0/8")
            return None
        return tuple(dict.fromkeys(found))

    def secret(self, key: str, across: bool = False) -> Secret | None:
        """The Secret that a `[namespace/]name` refers to; other namespaces only with `across`. None is reported."""
        place = self._reference(key, across)
        if place is None or self._look is None:
            return None
        found = self._look.secret(*place)
        if found is None:
            self._missing(key, "Secret", "/".join(place))
        return found

    def config_map(self, key: str, across: bool = False) -> ConfigMap | None:
        """The ConfigMap that a `[namespace/]name` refers to, as `secret`."""
        place = self._reference(key, across)
        if place is None or self._look is None:
            return None
        found = self._look.config_map(*place)
        if found is None:
            self._missing(key, "ConfigMap", "/".join(place))
        return found

    @property
    def look(self) -> Lookup | None:
        """Other objects; None where a Service speaks for itself."""
        return self._look

    @property
    def namespace(self) -> str:
        """Of the object."""
        return self._object.metadata.namespace

    @property
    def name(self) -> str:
        """Of the object."""
        return self._object.metadata.name

    @property
    def default_backend(self) -> tuple[str, IngressBackend] | None:
        """What takes the requests that no path of the Ingress takes, and its namespace."""
        for each in (self._object, self._inherited.source if self._inherited is not None else None):
            if isinstance(each, Ingress) and each.spec.default_backend is not None:
                return each.metadata.namespace, each.spec.default_backend
        return None

    @property
    def services(self) -> frozenset[str]:
        """The names of all Services that the Ingress refers to."""
        if isinstance(self._object, Service):
            return frozenset()
        spec = self._object.spec
        backends = [spec.default_backend]
        backends += [path.backend for rule in spec.rules if rule.http for path in rule.http.paths]
        return frozenset(b.service.name for b in backends if b is not None and b.service is not None)

    def invalid(self, key: str, value: str, expected: str) -> None:
        """Report a value that cannot be used: the default is, or the path is closed where access is restricted."""
        if self._known[key].restricts:
            self.closed = True
            self.say(codes.INVALID_RESTRICTION, key, value=value or "empty", expected=expected)
        else:
            self.say(codes.INVALID_ANNOTATION, key, value=value or "empty", expected=expected)

    def refuse(self, key: str, why: str, instead: str) -> None:
        """Report something that cannot be honoured and must not be left out: the path is closed."""
        self.closed = True
        self.say(codes.REFUSED_ANNOTATION, key, why=why, instead=instead)

    def differs(self, key: str, how: str) -> None:
        """Report that this value works otherwise than in nginx."""
        self.say(codes.ANNOTATION_DIFFERS, key, how=how)

    def say(self, code: Code, key: str, **args: object) -> None:
        """Report something about an annotation, or about the ConfigMap's default for it."""
        if not self.given(key) and self._settings is not None:
            path = FieldPath(("data", self._known[key].setting))
            self._report.add(code, ref_of(self._settings), path, annotation=self._known[key].setting, **args)
            return
        self._report.add(code, ref_of(self._origin(key)), annotation(key), annotation=key, **args)

    def say_of_setting(self, code: Code, name: str, **args: object) -> None:
        """Report something about a key of the ConfigMap that no annotation overrides."""
        if self._settings is not None:
            self._report.add(code, ref_of(self._settings), FieldPath(("data", name)), annotation=name, **args)

    def _origin(self, key: str) -> Ingress | Service:
        """The object that has the annotation."""
        inherited = self._inherited
        return inherited.source if inherited is not None and key in inherited.keys else self._object

    def _reference(self, key: str, across: bool) -> tuple[str, str] | None:
        value = self.text(key)
        if value is None:
            return None
        home = self._origin(key).metadata.namespace
        namespace, _, name = value.rpartition("/")
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name) or "/" in namespace:
            self.invalid(key, value, "a name, or namespace/name")
            return None
        if namespace and namespace != home and not across:
            self.refuse(key, f"{value} is in another namespace", "use an object of the Ingress's own namespace")
            return None
        return namespace or home, name

    def _missing(self, key: str, kind: str, name: str) -> None:
        self.closed = True
        self.say(codes.MISSING_REFERENCE, key, kind=kind, name=name)
