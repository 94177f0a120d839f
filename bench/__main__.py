"""`python -m bench [NAME ...] [--quick] [--json]`: run the benchmarks and print figure, goal and verdict."""

from __future__ import annotations

import argparse
import json
import sys

from bench import (
    annotated_scale,
    annotation_cost,
    help_time,
    many_paths,
    proxy_cost,
    scale,
    schema_change,
    schema_memory,
    start,
    transcoding,
)

BENCHMARKS = {
    "help": help_time.measure,
    "start": start.measure,
    "proxy": proxy_cost.measure,
    "scale": scale.measure,
    "transcoding": transcoding.measure,
    "schema_change": schema_change.measure,
    "schema_memory": schema_memory.measure,
    "annotations": annotation_cost.measure,
    "annotated": annotated_scale.measure,
    "paths": many_paths.measure,
}


def main() -> int:
    """Run what was asked for; exits with 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a tenth of the objects")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    missed = False
    for name in options.names or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        for row in BENCHMARKS[name](options.quick):
            missed |= not row.met
            print(json.dumps(row.as_dict()) if options.json else row.as_text(), flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
