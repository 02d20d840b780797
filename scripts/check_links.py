#!/usr/bin/env python3
"""Checks that what the Markdown pages of a folder link to is there, headings included, and lies in that folder.

    scripts/check_links.py [FOLDER]

FOLDER  an installation's share/gst-reenact; without one the tracked pages of this tree
"""
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|^    .*?$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def pages_of(folder):
    if folder is None:
        names = subprocess.check_output(["git", "ls-files", "-z", "*.md"], cwd=ROOT, text=True).split("\0")[:-1]
        return [ROOT / name for name in names if (ROOT / name).exists()]
    return sorted(folder.rglob("*.md"))


def anchors_of(page):
    """Names that headings have where Markdown is shown."""
    headings = re.findall(r"^#+ +(.+?)\s*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(pages, folder):
    for page in pages:
        for link in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = Path(os.path.normpath(page.parent / name)) if name else page
            if not target.is_relative_to(folder) or not target.exists():
                yield f"{page}: {link} is not there"
            elif anchor and target.suffix == ".md" and anchor not in anchors_of(target):
                yield f"{page}: {link} names no heading"


def main():
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    folder = Path(sys.argv[1]).absolute() if len(sys.argv) == 2 else None
    pages = pages_of(folder)
    complaints = list(broken_links(pages, folder or ROOT))
    if not pages:
        complaints = [f"{folder}: no page is there"]
    print("\n".join(complaints), end="\n" if complaints else "")
    sys.exit(bool(complaints))


main()
