"""Run the demo; see `script/demo --help`."""

from pathlib import Path
import sys

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from tests.harness.demo.app import main

    sys.exit(main())
