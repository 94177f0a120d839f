"""How a stream of answers is written to an HTTP client: a JSON array, NDJSON, JSON sequences or server-sent events.

`Accept` chooses, an array where it says nothing. Rule: an error in the middle is the last thing that is written, and
the whole stays well-formed, so that every reader sees it.
"""

from __future__ import annotations

from typing import NamedTuple

_ERROR = b'{"error":%s}'


class Format(NamedTuple):
    """One way to write. `beat` keeps an idle connection known to be alive; empty where the format has no such thing."""

    content_type: str
    start: bytes = b""
    before: bytes = b""
    between: bytes = b""
    after: bytes = b""
    end: bytes = b""
    beat: bytes = b""
    error: bytes = _ERROR


ARRAY = Format("application/json", start=b"[", between=b",", end=b"]")
LINES = Format("application/x-ndjson", after=b"\n")
SEQUENCE = Format("application/json-seq", before=b"\x1e", after=b"\n")
EVENTS = Format(
    "text/event-stream",
    before=b"data: ",
    after=b"\n\n",
    end=b"event: end\ndata: {}\n\n",
    beat=b":\n\n",
    error=b"%s",
)
_BY_TYPE = {
    "application/json": ARRAY,
    "application/*": ARRAY,
    "*/*": ARRAY,
    "application/x-ndjson": LINES,
    "application/ndjson": LINES,
    "application/jsonl": LINES,
    "application/x-jsonlines": LINES,
    "application/json-seq": SEQUENCE,
    "text/event-stream": EVENTS,
}


def chosen(accept: str) -> Format:
    """The format that an Accept header likes best; of equals the one named first; an array if it names none."""
    best, most = ARRAY, 0.0
    for part in accept.split(","):
        name, *parameters = (each.strip().lower() for each in part.split(";"))
        weight = next((_weight(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
        if name in _BY_TYPE and weight > most:
            best, most = _BY_TYPE[name], weight
    return best


class Writer:
    """Frames answers one after another."""

    def __init__(self, form: Format) -> None:
        self.form = form
        self._any = False

    def message(self, json: bytes) -> bytes:
        """An answer's bytes."""
        return self._lead() + self.form.before + json + self.form.after

    def finish(self, error: bytes = b"") -> bytes:
        """The last bytes. `error` is google.rpc.Status as JSON, empty if all went well."""
        form = self.form
        if error and form is EVENTS:
            return b"event: error\ndata: " + error + b"\n\n"
        last = self._lead() + form.before + form.error % error + form.after if error else b""
        if not last and not self._any:
            last = form.start
        return last + form.end

    def _lead(self) -> bytes:
        lead = self.form.between if self._any else self.form.start
        self._any = True
        return lead


def _weight(text: str) -> float:
    try:
        return max(0.0, min(1.0, float(text)))
    except ValueError:
        return 0.0
