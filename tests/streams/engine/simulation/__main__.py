"""`python -m tests.streams.engine.simulation --runs N --seed S [--profile P] [--without RULE] [--shrink]`"""

from __future__ import annotations

import argparse
import sys

from tests.streams.engine.simulation.campaign import campaign, report
from tests.streams.engine.simulation.profiles import PROFILES
from tests.streams.engine.simulation.rules import RULES, without
from tests.streams.engine.simulation.shrink import shrink
from tests.streams.engine.simulation.simulation import play


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulation")
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", choices=[*PROFILES, "all"], default="all")
    parser.add_argument("--without", choices=sorted(RULES), action="append", default=[], help="switch a rule off")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--shrink", action="store_true", help="tell the story of the smallest failing schedule")
    parser.add_argument("--kind", default="", help="of what kind of finding")
    parser.add_argument("--trace", action="store_true", help="tell the story of the one run with this seed and profile")
    options = parser.parse_args()
    profiles = list(PROFILES) if options.profile == "all" else [options.profile]
    with without(*options.without):
        if options.trace:
            print("\n".join(play(options.seed, PROFILES[profiles[0]], tell=True).world.lines))
            return 0
        total = campaign(options.runs, options.seed, profiles, options.processes)
        print(report(total))
        if options.shrink and total.findings:
            kind = options.kind or max(total.findings, key=lambda kind: len(total.findings[kind]))
            print(shrink(kind, total.findings[kind]))
    return 1 if total.findings else 0


if __name__ == "__main__":
    sys.exit(main())
