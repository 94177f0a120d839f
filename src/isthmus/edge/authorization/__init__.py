"""The authorization helper: answers Envoy's question whether a request may pass, where Envoy cannot tell itself.

htpasswd passwords, questions to other servers and their cached verdicts, tokens, keys, and `satisfy: any`. It runs in a
process of its own, on a Unix socket. Rule: whatever is broken, unknown or late denies.
"""
