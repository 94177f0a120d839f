"""Protobuf schemas as values: what a gRPC server offers, and how HTTP requests map onto its methods.

Pure: bytes and text in, values out; who fetched them and who serves them is not known here. Rule: descriptors live
in private pools, never in protobuf's default one, so that two servers' schemas cannot collide.
"""
