"""Real servers to put behind a gateway: for the demo, the tests and the benchmarks.

Each module has `start(...)`, which returns a running server with its `address` and `stop()`, and is a program too:
`python -m isthmus.edge.upstreams.greeter --port 50051`. They know nothing of Isthmus and take nothing from it.
"""
