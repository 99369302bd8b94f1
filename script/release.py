"""Build what a release consists of: the zip that HACS installs, and its notes.

python3 script/release.py TAG FOLDER checks that the tag is the version of the
manifest and that CHANGELOG.md has a section of it. It needs nothing but Python.
"""

import json
from pathlib import Path
import re
import sys
import zipfile

ROOT = Path(__file__).resolve().parent.parent
INTEGRATION = ROOT / "custom_components" / "frigate_snap_sync"
# The same file gives the same zip, whoever checks it out, and when
WHEN = (1980, 1, 1, 0, 0, 0)


def notes_of(changelog: str, version: str) -> str:
    """Return the section of a version: "## 1.2.3" or "## 1.2.3 (2026-12-01)"."""
    section = re.search(
        rf"^## \[?{re.escape(version)}\]?(?: [^\n]*)?\n(.*?)(?=^## |\Z)",
        changelog,
        re.MULTILINE | re.DOTALL,
    )
    return section[1].strip() if section else ""


def build_zip(target: Path) -> None:
    """Zip the integration's files, without the folder that they lie in."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(INTEGRATION.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(INTEGRATION).as_posix()
                entry = zipfile.ZipInfo(name, WHEN)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())


def main(tag: str, folder: str) -> int:
    """Build both, or say what does not fit and return 1."""
    version = json.loads((INTEGRATION / "manifest.json").read_text())["version"]
    if tag != version:
        print(f"The tag is {tag}, but the manifest's version is {version}")
        return 1
    notes = notes_of((ROOT / "CHANGELOG.md").read_text(), version)
    if not notes:
        print(f"CHANGELOG.md has no section ## {version}, or an empty one")
        return 1
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    filename = json.loads((ROOT / "hacs.json").read_text())["filename"]
    build_zip(target / filename)
    (target / "notes.md").write_text(f"{notes}\n")
    print(f"Built {target / filename} and {target / 'notes.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
