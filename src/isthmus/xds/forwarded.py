"""What a backend is told about the client and how it came, in the headers of ingress-nginx.

Each replaces what the client says, but for the request's identifier, which a client may choose. Envoy itself would add
to X-Forwarded-For, whose first address a client could then make up.
"""

from __future__ import annotations

from isthmus.ir.policy import Edit, HeaderEdit
from isthmus.ir.template import Of, Variable

IDENTIFIER = HeaderEdit("x-request-id", (Variable(Of.UNIQUE),), Edit.DEFAULT)
FORWARDED = (
    HeaderEdit("x-forwarded-for", (Variable(Of.CLIENT),)),
    HeaderEdit("x-real-ip", (Variable(Of.CLIENT),)),
    HeaderEdit("x-forwarded-host", (Variable(Of.HOST),)),
    HeaderEdit("x-forwarded-port", (Variable(Of.LOCAL_PORT),)),
    HeaderEdit("x-forwarded-scheme", (Variable(Of.SCHEME),)),
    HeaderEdit("x-scheme", (Variable(Of.SCHEME),)),
    HeaderEdit("x-original-forwarded-for", edit=Edit.REMOVE),
    HeaderEdit("proxy", edit=Edit.REMOVE),  # becomes HTTP_PROXY in CGI programs
    IDENTIFIER,
)
