"""Calling gRPC servers: finding out what a port speaks, opening a channel, asking for the schema."""
