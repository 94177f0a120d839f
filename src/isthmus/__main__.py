"""`python -m isthmus` is the same program as `isthmus`."""

from isthmus.cli.main import main

main()
