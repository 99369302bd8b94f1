"""Sum up the runs of pytest in one last line, like pytest's own.

Takes the JUnit files of the runs. Exits with 1 when a test failed, when a run left
no file, and, with CI set, when a test was skipped: CI has every part it needs.
"""

import os
from pathlib import Path
import sys
from xml.etree import ElementTree as ET


def main(files: list[str]) -> int:
    """Print the sum of the files and return the exit code."""
    passed = failed = skipped = errors = 0
    seconds = 0.0
    for name in files:
        if not Path(name).is_file():
            print(f"No results in {name}: the run broke off")
            errors += 1
            continue
        # Written by our own run of pytest a moment ago
        for suite in ET.parse(name).getroot().iter("testsuite"):  # noqa: S314
            total, bad, broken, left_out = (
                int(suite.get(key, 0))
                for key in ("tests", "failures", "errors", "skipped")
            )
            passed += total - bad - broken - left_out
            failed += bad
            errors += broken
            skipped += left_out
            seconds += float(suite.get("time", 0))
    parts = [
        f"{number} {word}"
        for number, word in (
            (failed, "failed"),
            (passed, "passed"),
            (skipped, "skipped"),
            (errors, "errors"),
        )
        if number
    ]
    print(f" {', '.join(parts) or 'no tests ran'} in {seconds:.2f}s ".center(80, "="))
    if skipped and os.environ.get("CI"):
        print("A test was skipped, which CI does not allow", file=sys.stderr)
        return 1
    return 1 if failed or errors or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
