"""`python run_stack.py HOME PORT_BASE`: a stack whose processes are stand-ins, as a process that tests can kill."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.local.stack import Stack

STAND_IN = (sys.executable, str(Path(__file__).with_name("stand_in.py")))


def main(home: str, port_base: str) -> None:
    Stack(Path(home), int(port_base), command=STAND_IN).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
