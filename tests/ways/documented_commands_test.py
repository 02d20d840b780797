#!/usr/bin/python3
"""Runs the indented blocks of a page of the documentation, each as a script of its own, as somebody would who pastes them.

documented_commands_test.py PAGE SOURCE

What opens a window writes a file instead, which must not stay empty; so must no file that a block says it writes. A block for
which a program, an element or a device is missing is passed over, with a word; installing packages is left to people.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from process_group import end_group

LONGEST = 60  # seconds for a block, on a machine that is busy with other tests


def blocks_of(text):
    """Indented lines that belong together, blank lines between them left out."""
    block = []
    for line in [*text.splitlines(), "end"]:
        if line.startswith("    "):
            block.append(line[4:])
        elif block:
            yield "\n".join(block)
            block = []


def packages_of(script):
    """What a script of Python imports at its beginning, as statements; nothing for another kind of file."""
    text = script.read_text(errors="replace")
    if not text.startswith("#!") or "python" not in text.splitlines()[0]:
        return []
    statements = re.findall(r"^(?:import|from) \w+", text, re.MULTILINE)
    typelibs = re.findall(r"^gi\.require_version\(.*?\)", text, re.MULTILINE)
    return [statement.replace("from ", "import ") for statement in statements] + ["import gi; " + typelib for typelib in typelibs]


def missing(block, folder):
    """What this machine lacks for a block; empty text if nothing."""
    camera = ["/dev/video0"] if "v4l2src !" in block else []
    for device in [*re.findall(r"/dev/video\d+", block), *camera]:
        if not os.path.exists(device):
            return device
    for line in re.sub(r"\\\n\s*", "", block).splitlines():
        program = line.split()[0]
        if program != "wait" and shutil.which(program) is None and not (folder / program).exists():
            return program
        if program.endswith(".py") or (folder / program).is_file():
            for package in packages_of(folder / program):
                if subprocess.run([sys.executable, "-c", package], capture_output=True, timeout=LONGEST).returncode != 0:
                    return package
        if program == "gst-launch-1.0":
            for element in re.findall(r"(?:!|gst-launch-1\.0(?: -\w)*) +([a-z][a-z0-9_]+)(?= |$)", line):
                if subprocess.run(["gst-inspect-1.0", element], capture_output=True, timeout=LONGEST).returncode != 0:
                    return "element " + element
    return ""


def run(block, folder):
    """Exit status and what was said; everything that the block started is ended."""
    with open(folder / "said", "w+") as said:
        process = subprocess.Popen(["sh", "-eu", "-c", block], cwd=folder, stdout=said, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            status = f"no end after {LONGEST} s"
        finally:
            end_group(process)
        said.seek(0)
        return status, said.read()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    page, source = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="reenact-documented-") as name:
        folder = pathlib.Path(name)
        for part in ("examples", "models"):
            (folder / part).symlink_to(source / part)
        # Somebody's own clip: a face, and sound.
        clip = (f"filesrc location={source}/models/samples/driver.mp4 ! qtdemux ! h264parse ! identity eos-after=75 ! mp4mux name=m ! "
                "filesink location=clip.mp4  audiotestsrc num-buffers=130 samplesperbuffer=1024 ! avenc_aac ! m.")
        subprocess.run(["gst-launch-1.0", "-q", *clip.split()], cwd=folder, check=True, timeout=LONGEST)
        shutil.copy(folder / "clip.mp4", folder / "beach.mp4")
        done = 0
        for block in blocks_of(page.read_text()):
            if block.startswith("apt-get "):
                continue
            lacking = missing(block, folder)
            if lacking:
                print(f"passed over for want of {lacking}: {block.splitlines()[0]}")
                continue
            done += 1
            shown = f"shown-{done}"
            block = block.replace("autovideosink", f"filesink location={shown}").replace("autoaudiosink", "fakesink")
            print("$", block, flush=True)
            status, said = run(block, folder)
            if status != 0:
                sys.exit(f"it ended with {status}:\n{said[-3000:]}")
            for written in re.findall(r"(?:filesink location=|\.py \S+ \S+ |-y )([\w.-]+)", block):
                if not (folder / written).exists() or (folder / written).stat().st_size < 1000:
                    sys.exit(f"it did not write {written}:\n{said[-3000:]}")
    if not done:
        print("nothing of the page could be run here")
        sys.exit(77)
    print(f"{done} blocks")


if __name__ == "__main__":
    main()
