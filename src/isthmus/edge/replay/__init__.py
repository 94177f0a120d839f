"""Recorded requests from files to two gateways: everything that waits. What is compared is decided in replay/."""
