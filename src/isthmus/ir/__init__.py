"""The neutral language between dialects and Envoy: hosts, routes, backends, listeners.

Its words are neither Kubernetes' nor Envoy's. All values are frozen and comparable; every node says where it
came from. Imports `kube.refs` and `kube.diagnostics` only.
"""
