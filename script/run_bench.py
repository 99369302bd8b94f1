"""Run the bench; see `script/bench --help`."""

from pathlib import Path
import sys

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from bench.app import main

    sys.exit(main())
