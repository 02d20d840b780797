#!/usr/bin/python3
"""examples/rtsp/serve: two clients see the head out of one pipeline. usage: rtsp_test.py SERVE CLIP"""
import faulthandler
import select
import subprocess
import sys
import tempfile
import unittest

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import Gst
except (ImportError, ValueError):
    print("python3-gi or gir1.2-gst-rtsp-server-1.0 is not here")
    sys.exit(77)

SERVE, CLIP = sys.argv[1:3]
del sys.argv[1:3]
Gst.init(None)
SECONDS = Gst.SECOND
WANTED_FRAMES = 20
LONGEST = 60  # seconds for a program, on a machine that is busy with other tests
# What hangs in this process itself says where, and ends.
faulthandler.dump_traceback_later(1.5 * LONGEST, exit=True)


class Client:
    """Watches a stream over TCP, so that no packet is lost."""

    def __init__(self, address):
        self.pipeline = Gst.parse_launch(f"rtspsrc location={address} protocols=tcp latency=0 ! rtph264depay ! avdec_h264 ! videoconvert ! "
                                         "video/x-raw,format=GRAY8 ! appsink name=frames sync=false max-buffers=100")
        self.pipeline.set_state(Gst.State.PLAYING)

    def frames(self, count):
        """The next pictures, as bytes; fewer when the stream ends or pauses for 20 seconds."""
        sink = self.pipeline.get_by_name("frames")
        frames = []
        while len(frames) < count and (sample := sink.emit("try-pull-sample", 20 * SECONDS)):
            buffer = sample.get_buffer()
            frames.append(buffer.extract_dup(0, buffer.get_size()))
        return frames

    def stop(self):
        self.pipeline.set_state(Gst.State.NULL)


def write_long_clip(path):
    """The clip several times over: the server plays it once, in real time."""
    parts = f"filesrc location={CLIP} ! qtdemux ! h264parse ! joined. " * 6
    subprocess.run(["gst-launch-1.0", "-q", *f"concat name=joined ! h264parse ! matroskamux ! filesink location={path} {parts}".split()], check=True,
                   timeout=LONGEST)


class RtspTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        clip = folder.name + "/clip.mkv"
        write_long_clip(clip)
        self.server = subprocess.Popen([SERVE, "-p", "0", clip], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.communicate)
        self.addCleanup(self.server.kill)
        ready, _, _ = select.select([self.server.stdout], [], [], LONGEST)
        self.assertTrue(ready, f"serve does not say within {LONGEST} s where it listens")
        self.address = self.server.stdout.readline().strip()
        self.assertRegex(self.address, r"^rtsp://localhost:\d+/head$")

    def tearDown(self):
        self.server.terminate()
        self.server.communicate(timeout=20)
        self.assertEqual(self.server.returncode, 0)

    def test_two_clients_share_one_pipeline(self):
        first = Client(self.address)
        self.addCleanup(first.stop)
        seen = first.frames(WANTED_FRAMES)
        second = Client(self.address)
        self.addCleanup(second.stop)
        also_seen = second.frames(WANTED_FRAMES)
        self.assertEqual((len(seen), len(also_seen)), (WANTED_FRAMES, WANTED_FRAMES))
        for frames in (seen, also_seen):
            self.assertGreater(len(set(frames)), WANTED_FRAMES // 2, "the head does not move")
            self.assertGreater(max(frames[-1]) - min(frames[-1]), 60, "nothing is drawn")
        first.stop()
        self.assertEqual(len(second.frames(5)), 5, "the second client lost its stream when the first one went")
        second.stop()
        self.server.terminate()
        said = self.server.communicate(timeout=20)[0]
        self.assertEqual(said.count("a pipeline was made"), 1, said)
        self.assertEqual(said.count("a client came from"), 2, said)


class WrongInputTest(unittest.TestCase):
    def test_a_missing_clip_is_told_in_a_sentence(self):
        done = subprocess.run([SERVE, "-p", "0", "no-such-clip.mp4"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^serve: .*\n$")


if __name__ == "__main__":
    unittest.main()
