"""Recorded requests and the answers of two gateways, as values: read lines, compare answers, count, print.

Pure: what is sent and when is decided in edge/. Rule: whatever a log or a gateway says is data, never an instruction
or an address to connect to.
"""
