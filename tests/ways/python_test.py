#!/usr/bin/python3
"""examples/python/edit_poses.py: poses go through numpy unharmed. usage: python_test.py EDIT_POSES CLIP"""
import faulthandler
import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstApp", "1.0")
    from gi.repository import Gst
    import numpy as np
except (ImportError, ValueError):
    print("python3-gi, gir1.2-gst-plugins-base-1.0 or python3-numpy is not here")
    sys.exit(77)

SCRIPT, CLIP = sys.argv[1:3]
del sys.argv[1:3]
Gst.init(None)
sys.dont_write_bytecode = True
specification = importlib.util.spec_from_file_location("edit_poses", SCRIPT)
edit_poses = importlib.util.module_from_spec(specification)
specification.loader.exec_module(edit_poses)

FRAMES = 10  # about: those that are under way when the clip is cut may still come
LONGEST = 60  # seconds for a program, on a machine that is busy with other tests
# What hangs in this process itself says where, and ends.
faulthandler.dump_traceback_later(1.5 * LONGEST, exit=True)


def run(*arguments, **options):
    return subprocess.run(arguments, timeout=LONGEST, **options)


def launch(pipeline):
    run("gst-launch-1.0", "-q", *pipeline.split(), check=True)


class EditPosesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.clip = self.folder / "clip.mkv"
        launch(f"filesrc location={CLIP} ! decodebin ! identity eos-after={FRAMES} ! x264enc ! matroskamux ! filesink location={self.clip}")
        self.source = f"filesrc location={self.clip} ! decodebin"

    def drive(self, name, edit):
        """The frames drawn, as bytes."""
        file = self.folder / name
        edit_poses.drive(self.source, "identities/alex", f"filesink location={file}", edit)
        return file.read_bytes()

    def test_poses_that_are_not_edited_draw_the_same_pictures_as_the_plain_chain(self):
        poses = []
        through_numpy = self.drive("numpy", lambda pose: poses.append(pose) or pose)
        self.assertEqual({(pose.dtype, pose.shape) for pose in poses}, {(np.dtype(np.float32), (256,))})
        self.assertGreaterEqual(len(poses), FRAMES)
        plain = self.folder / "plain"
        launch(f"{self.source} ! videoconvert ! reenactcrop ! reenactpose ! reenactidentity identity-file=identities/alex ! "
               f"reenactgenerator ! reenactcompositor ! filesink location={plain}")
        self.assertEqual(len(through_numpy), len(poses) * 640 * 480 * 3 // 2)
        self.assertTrue(through_numpy == plain.read_bytes())
        self.assertFalse(through_numpy == self.drive("other", lambda pose: pose * 0.5))

    def test_the_program_scales_the_motion(self):
        def poses(strength):
            file = self.folder / f"{strength}.npy"
            run(SCRIPT, "identities/alex", self.clip, self.folder / "out.mp4", "--strength", str(strength), "--save", file, check=True,
                capture_output=True)
            return np.load(file)

        plain, more = poses(1), poses(2)
        np.testing.assert_allclose(more - more[0], 2 * (plain - plain[0]), rtol=1e-3, atol=1e-3)
        self.assertGreater((self.folder / "out.mp4").stat().st_size, 2000)

    def test_the_program_tells_of_properties_and_of_errors(self):
        done = run(SCRIPT, "identities/nobody", CLIP, self.folder / "out.mp4", capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "(?m)^edit_poses: found no model file 'identities/nobody'")
        done = run(SCRIPT, "identities/alex", CLIP + ".not", self.folder / "out.mp4", capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "(?m)^pose: active-device is cpu$")
        self.assertRegex(done.stderr, "(?m)^edit_poses: .*not found")


if __name__ == "__main__":
    unittest.main()
