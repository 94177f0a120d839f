"""Kubernetes Ingress, with the annotations of the controller that its class belongs to."""
