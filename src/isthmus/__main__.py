"""`python -m isthmus` is the same program as `isthmus`."""

from isthmus.cli import main

main()
