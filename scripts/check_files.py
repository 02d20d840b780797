#!/usr/bin/env python3
"""Checks that every tracked .cc is named in a build file and that each room includes only what scripts/rooms.txt allows."""
import os
import re
import subprocess
import sys

# Compiled by scripts/check-install, as a user would.
BUILT_ELSEWHERE = ("examples/",)
INCLUDE_FOLDERS = ("lib", "gst", "tests", "tests/gst", ".")


def tracked():
    return subprocess.check_output(["git", "ls-files", "-z"], text=True).split("\0")[:-1]


def below(path, folder):
    return path == folder or path.startswith(folder + "/")


def unnamed_sources(files):
    """Sources that no meson.build of their folder or of one above names, by path or (where it joins paths) by file name."""
    named = set()
    for build_file in (file for file in files if os.path.basename(file) == "meson.build"):
        folder = os.path.dirname(build_file)
        with open(build_file, encoding="utf-8") as text:
            for name in re.findall(r"'([^'\n]+\.cc)'", text.read()):
                named.add(os.path.normpath(os.path.join(folder, name)))
                if "/" not in name:
                    named.add((folder, name))
    for file in files:
        if not file.endswith(".cc") or file.startswith(BUILT_ELSEWHERE) or file in named:
            continue
        parent = os.path.dirname(os.path.dirname(file))
        if (parent, os.path.basename(file)) not in named:
            yield f"{file}: no meson.build names it, so it is never compiled"


def read_rooms(path):
    rooms = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.split("#")[0].strip()
            if line:
                room, allowed = line.split(":")
                rooms[room.strip()] = allowed.split()
    return rooms


def wrong_includes(files, rooms):
    sources = {file for file in files if file.endswith((".cc", ".h"))}
    for file in sorted(sources):
        room = max((room for room in rooms if below(file, room)), key=len, default=None)
        if room is None:
            yield f"{file}: scripts/rooms.txt has no line for its folder"
            continue
        with open(file, encoding="utf-8") as text:
            lines = text.read().splitlines()
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            places = (os.path.normpath(os.path.join(folder, match[1])) for folder in (os.path.dirname(file), *INCLUDE_FOLDERS))
            included = next((place for place in places if place in sources), None)
            # What is not tracked is generated or another project's.
            if included is None or below(included, room) or "*" in rooms[room]:
                continue
            if not any(below(included, allowed) for allowed in rooms[room]):
                yield f"{file}:{number}: {room} may not include {included} (scripts/rooms.txt)"


def main():
    files = [file for file in tracked() if os.path.exists(file)]
    complaints = [*unnamed_sources(files), *wrong_includes(files, read_rooms("scripts/rooms.txt"))]
    print("\n".join(complaints), end="\n" if complaints else "")
    sys.exit(bool(complaints))


main()
