"""``python measured.py REPORT MODULE [ARGUMENT…]``: run a module as ``python -m`` does.

Writes to the file ``REPORT`` the CPU seconds that the process took from its start to its end, and
its peak memory in MB.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path


def main() -> None:
    report, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    sys.path[0] = str(Path.cwd())
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        # Not ru_maxrss, which begins with what the process that started this one had.
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        status = dict(line.split(":", 1) for line in lines)
        peak = int(status["VmHWM"].split()[0]) / 1024
        Path(report).write_text(
            json.dumps({"cpu": time.process_time(), "peak": peak}), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
