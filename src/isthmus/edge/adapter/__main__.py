"""`python -m isthmus.edge.adapter`: see process."""

import asyncio
import sys

from isthmus.edge.adapter.process import main, say_ready

if __name__ == "__main__":
    sys.exit(asyncio.run(main(say_ready)))
