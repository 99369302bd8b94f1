"""Run the chaos; see `script/chaos --help`."""

from pathlib import Path
import sys

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tests.harness.chaos.app import main

    sys.exit(main())
