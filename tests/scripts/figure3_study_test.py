#!/usr/bin/env python3
"""scripts/figure3-study trains what stands in training/configs/figure3/, each once, and asks for each report. A program stands in for
reenact-train, which says what it was told and leaves the files it was asked for. usage: figure3_study_test.py REPOSITORY"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(sys.argv.pop(1)).resolve()
CONFIGS = REPOSITORY / "training/configs/figure3"
SHARED = {"small", "scale"}  # are laid over the others
STAND_IN = """#!/bin/sh
echo "$@" >>"$TOLD"
while [ $# -gt 0 ]; do case $1 in --output) mkdir -p "$(dirname "$2")"; : >"$2" ;; esac; shift; done
echo "{}"
"""


class Figure3StudyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.train = self.folder / "reenact-train"
        self.train.write_text(STAND_IN)
        self.train.chmod(0o755)
        (self.folder / "data").mkdir()
        (self.folder / "data/clips.tsv").write_text("id\n")

    def study(self, *phases, **more):
        """Exit status, and the commands that the stand-in was given."""
        told = self.folder / "told"
        told.unlink(missing_ok=True)
        environment = {**os.environ, "REENACT_TRAIN": str(self.train), "DATA": str(self.folder / "data"),
                       "OUT": str(self.folder / "out"), "DEVICE": "cpu", "TOLD": str(told), **more}
        status = subprocess.run([REPOSITORY / "scripts/figure3-study", *phases], env=environment, capture_output=True, text=True,
                                timeout=60)
        return status, told.read_text().splitlines() if told.exists() else []

    def test_every_configuration_is_trained_once_and_each_report_is_asked_for(self):
        status, told = self.study()
        self.assertEqual(status.returncode, 0, status.stderr)
        trained = [pathlib.Path(words[words.index("--config") + 1]) for words in map(str.split, told) if "--config" in words]
        for config in trained:
            self.assertTrue((REPOSITORY / config).is_file(), config)
        wanted = sorted(file.stem for file in CONFIGS.glob("*.toml") if file.stem not in SHARED)
        self.assertEqual(sorted(config.stem for config in trained), wanted)
        for report in ("figure3", "smoothness", "retrieval", "keypoints"):
            self.assertTrue(any(line.startswith("evaluate " + report) for line in told), report)

    def test_what_is_there_is_not_trained_again(self):
        self.study("encoders", "systems")
        status, told = self.study("encoders", "systems")
        self.assertEqual(status.returncode, 0, status.stderr)
        self.assertEqual(told, [])

    def test_an_encoder_stands_before_the_systems_that_take_it(self):
        told = self.study("encoders", "systems")[1]
        position = {pathlib.Path(line.split("--config ")[1].split()[0]).stem: i for i, line in enumerate(told)}
        self.assertLess(position["x2face"], position["x2face-plus"])
        self.assertLess(position["fabnet"], position["fabnet-minus-augm"])

    def test_what_is_missing_is_named(self):
        self.assertIn("no-such-folder", self.study(DATA="no-such-folder")[0].stderr)
        self.assertNotEqual(self.study("no-such-phase")[0].returncode, 0)


if __name__ == "__main__":
    unittest.main()
