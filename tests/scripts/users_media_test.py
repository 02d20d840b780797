#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clips as people have them, through scripts/demo and the commands: the right shape, colors and times.

    users_media_test.py SOURCE BUILD [--personalise REENACT-TRAIN REENACTOR]

The clips are made of the sample driver by GStreamer: one that a phone held upright took, one as messengers send them (frames
left out, frames out of order with an edit list), PAL DV of two fields a frame, a recording of a screen whose file has no end,
and HDR (HLG). Each is compared with the plain clip it was made of. Then what the commands do with odd names, files that
are damaged or that nobody can decode, and a full disk.

Identities of pictures need LibTorch's module and are left out without it. Personalising takes minutes and is only done when it
is asked for.
"""
import array
import json
import math
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

SOURCE, BUILD = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
PERSONALISE = sys.argv[4:6] if len(sys.argv) > 5 else None
PROGRAM = BUILD / "lib/tools/reenact"
IDENTITY = SOURCE / "models/identities/alex.safetensors"
# The folder of LibTorch's module: the build's, or that of another build by which this one is tried.
MODULES = pathlib.Path(os.environ.get("REENACT_MODULE_PATH", BUILD / "lib/torch"))
HAS_TORCH = (MODULES / "libreenact-torch.so").exists()
ENVIRONMENT = dict(os.environ, REENACT_MODEL_PATH=str(SOURCE / "models"), REENACT_MODULE_PATH=str(MODULES),
                   REENACT_BUILD=str(BUILD))
FRAMES = 8
LONGEST = 120  # seconds for a program, on a machine that is busy with other tests
# Of all that shells, URIs, printf, gst-launch-1.0 and parsers of options take for their own; and as long as names may be.
ODD_STEMS = ["-a:b %d %03d #1 what? it's \"quoted\" $(touch ran) `ran` Grüße 你好! [*] \\ & ;=x", ".hidden", "long" * 60]


def gst(pipeline):
    """Runs gst-launch-1.0 and returns what it says."""
    done = subprocess.run(["gst-launch-1.0", "-v", *pipeline.split()], capture_output=True, text=True, timeout=LONGEST)
    if done.returncode:
        raise RuntimeError(f"{pipeline}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def has(*elements):
    return all(subprocess.run(["gst-inspect-1.0", "--exists", element], timeout=LONGEST).returncode == 0 for element in elements)


def frames_of(path, width, height, before=""):
    """The times in seconds from the first on, and the pictures as bytes of RGB."""
    with tempfile.NamedTemporaryFile() as raw:
        # In two steps: videoconvertscale of 1.22 gets colors wrong with this method.
        said = gst(f"filesrc location={path} ! decodebin ! {before} videoconvert ! video/x-raw,format=RGB ! videoscale "
                   f"method=bilinear2 ! video/x-raw,width={width},height={height},pixel-aspect-ratio=1/1 ! "
                   f"identity silent=false name=told ! "
                   f"filesink location={raw.name}")
        data = pathlib.Path(raw.name).read_bytes()
    times = [int(h) * 3600 + int(m) * 60 + float(s)
             for h, m, s in re.findall(r"chain .*told:sink.* pts: (\d+):(\d+):([\d.]+),", said)]
    size = width * height * 3
    assert len(data) == len(times) * size, (len(data), len(times))
    return [time - times[0] for time in times], [data[i * size:(i + 1) * size] for i in range(len(times))]


def psnr(a, b):
    error = sum((x - y) ** 2 for x, y in zip(a, b)) / len(a)
    return 10 * math.log10(255 ** 2 / max(error, 1e-9))


def mean_color(picture):
    return [sum(picture[channel::3]) / (len(picture) / 3) for channel in range(3)]


def hlg_table():
    """What RGB16 is in HLG: sRGB with a white of 203 cd/m2 in BT.2020 on a display of 1000 (BT.2100, BT.2408)."""
    def linear(signal):
        return signal / 12.92 if signal <= 0.04045 else ((signal + 0.055) / 1.055) ** 2.4

    def encoded(scene):
        signal = (math.sqrt(3 * scene) if scene <= 1 / 12 else
                  0.17883277 * math.log(12 * scene - 0.28466892) + 0.55991073)
        return min(255, round(255 * signal))
    five, six = [linear(i / 31) for i in range(32)], [linear(i / 63) for i in range(64)]
    table = []
    for pixel in range(65536):
        r, g, b = five[pixel >> 11], six[pixel >> 5 & 63], five[pixel & 31]
        light = [0.203 * (row[0] * r + row[1] * g + row[2] * b) for row in
                 ((0.6274, 0.3293, 0.0433), (0.0691, 0.9195, 0.0114), (0.0164, 0.0880, 0.8956))]
        luminance = 0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2]
        factor = luminance ** (1 / 1.2 - 1) if luminance > 0 else 0
        table.append(bytes(encoded(channel * factor) for channel in light))
    return table


def from_hlg(picture):
    """sRGB of a picture in HLG, as hlg_table() has it; what is brighter than white is white."""
    def linear(signal):
        return signal ** 2 / 3 if signal <= 0.5 else (math.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12

    def encoded(light):
        light = min(max(light, 0), 1)
        return round(255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))
    levels, out = [linear(level / 255) for level in range(256)], bytearray()
    for i in range(0, len(picture), 3):
        r, g, b = (levels[level] for level in picture[i:i + 3])
        luminance = 0.2627 * r + 0.6780 * g + 0.0593 * b
        factor = luminance ** 0.2 / 0.203 if luminance > 0 else 0
        out += bytes(encoded(factor * (row[0] * r + row[1] * g + row[2] * b)) for row in
                     ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)))
    return bytes(out)


class Clips:
    """The clips and, by name, the plain one that each is compared with."""

    def __init__(self, folder):
        self.folder = folder
        self.plain = {}
        driver = SOURCE / "models/samples/driver.mp4"
        raw = folder / "driver.raw"
        frame_bytes = 640 * 480 * 3 // 2
        with subprocess.Popen(["gst-launch-1.0", "-q", *(f"filesrc location={driver} ! decodebin ! videoconvert ! "
                               "video/x-raw,format=I420 ! fdsink").split()], stdout=subprocess.PIPE) as decoder:
            raw.write_bytes(decoder.stdout.read(FRAMES * frame_bytes))
            decoder.kill()
        plain = (f"filesrc location={raw} blocksize={frame_bytes} ! rawvideoparse format=i420 width=640 height=480 framerate=30/1 ! "
                 "videoconvert")
        h264 = "video/x-raw,format=I420 ! x264enc quantizer=10 pass=quant"
        gst(f"{plain} ! {h264} ! matroskamux ! filesink location={folder}/plain.mkv")
        upright = "videobox top=-80 bottom=-80 left=80 right=80"
        gst(f"{plain} ! {upright} ! {h264} ! matroskamux ! filesink location={folder}/plain-upright.mkv")

        gst(f"{plain} ! {upright} ! videoflip method=counterclockwise ! {h264} ! taginject "
            f"tags=image-orientation=rotate-90 ! qtmux ! filesink location={folder}/phone.mov")
        self.plain["phone.mov"] = "plain-upright.mkv"
        times = []
        while len({round(later - time, 2) for time, later in zip(times, times[1:])}) < 2:
            gst(f"{plain} ! identity drop-probability=0.3 ! {h264} bframes=2 ! mp4mux ! filesink location={folder}/messenger.mp4")
            times = self.decoded_times("messenger.mp4")
        assert b"elst" in (folder / "messenger.mp4").read_bytes(), "an edit list was wanted"
        self.plain["messenger.mp4"] = "plain.mkv"
        if has("interlace", "avenc_dvvideo", "avmux_dv"):
            gst(f"{plain} ! videorate ! video/x-raw,framerate=50/1 ! videoscale ! video/x-raw,width=720,height=576,"
                f"pixel-aspect-ratio=16/15 ! videoconvert ! video/x-raw,format=I420 ! interlace field-pattern=1:1 "
                f"top-field-first=false ! avenc_dvvideo ! avmux_dv ! filesink location={folder}/pal.dv")
            self.plain["pal.dv"] = "plain.mkv"
        gst(f"{plain} ! videorate ! video/x-raw,framerate=60/1,format=NV12,colorimetry=bt709 ! x264enc quantizer=10 pass=quant ! "
            f"queue ! matroskamux name=mux streamable=true ! filesink location={folder}/recording.mkv "
            f"audiotestsrc num-buffers=18 ! vorbisenc ! queue ! mux.")
        self.plain["recording.mkv"] = "plain.mkv"
        # GStreamer's own conversion would take white for the display's peak.
        table = hlg_table()
        colors = folder / "colors.raw"
        gst(f"{plain} ! video/x-raw,format=RGB16 ! filesink location={colors}")
        pixels = array.array("H", colors.read_bytes())
        colors.write_bytes(b"".join(map(table.__getitem__, pixels)))
        gst(f"filesrc location={colors} blocksize={640 * 480 * 3} ! rawvideoparse format=rgb width=640 height=480 framerate=30/1 "
            f"! videoconvert ! video/x-raw,format=I420_10LE,colorimetry=bt2100-hlg ! x264enc quantizer=6 pass=quant ! "
            f"qtmux ! filesink location={folder}/hdr.mov")
        self.plain["hdr.mov"] = "plain.mkv"

    def path(self, name):
        return self.folder / name

    def decoded_times(self, name):
        """As GStreamer's demuxer and decoder give them, of one frame for two fields."""
        return frames_of(self.path(name), 64, 48, "deinterlace fields=bottom !")[0]


def run(*arguments, ok=True, program=PROGRAM, timeout=LONGEST, **options):
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, env=ENVIRONMENT, timeout=timeout, **options)
    if ok and done.returncode:
        raise AssertionError(f"{arguments}: {done.returncode}\n{done.stderr}")
    return done


def times_of_track(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    begin, end = json.loads(data[8:8 + length])["timestamps"]["data_offsets"]
    return [time / 1e9 for time in struct.unpack(f"<{(end - begin) // 8}q", data[8 + length + begin:8 + length + end])]


class UsersMedia(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.clips = Clips(cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def path(self, name):
        return self.folder / name

    def expect_alike(self, frames, plain, least_psnr, what):
        """Each frame is that of the plain one that is nearest in time."""
        times, pictures = frames
        worst, furthest = 100, 0
        for time, picture in zip(times, pictures):
            other = min(range(len(plain[0])), key=lambda i: abs(plain[0][i] - time))
            worst = min(worst, psnr(picture, plain[1][other]))
            furthest = max(furthest, max(abs(a - b) for a, b in zip(mean_color(picture), mean_color(plain[1][other]))))
        print(f"{what}: {len(times)} frames, PSNR at least {worst:.1f} dB, colors at most {furthest:.1f} levels off")
        self.assertGreater(worst, least_psnr, what)
        self.assertLess(furthest, 6, what)

    def rendered(self, name):
        """What render makes of a clip, crops beside heads, and the times of its pose track."""
        movie, track = self.path(f"{name}.rendered.mkv"), self.path(f"{name}.track.safetensors")
        if not movie.exists():
            run("render", self.clips.path(name), "--identity", IDENTITY, "--pose-mode", "absolute", "--side-by-side", "--output",
                movie, "--pose-track", track)
        return frames_of(movie, 128, 64), times_of_track(track)

    def test_render_keeps_shape_colors_and_times(self):
        for name, plain in self.clips.plain.items():
            with self.subTest(name):
                frames, track = self.rendered(name)
                wanted = self.clips.decoded_times(name)
                self.assertEqual(len(frames[0]), len(wanted))
                for drawn, recorded, time in zip(frames[0], track, wanted):
                    self.assertAlmostEqual(drawn, time, delta=0.001)
                    self.assertAlmostEqual(recorded, time, delta=0.001)
                self.expect_alike(frames, self.rendered(plain)[0], 20, f"render {name}")

    def test_prepare_keeps_shape_and_colors(self):
        sources, data = self.path("sources"), self.path("data")
        for name in {*self.clips.plain, *self.clips.plain.values()}:
            (sources / name.replace(".", "-")).mkdir(parents=True)
            shutil.copy(self.clips.path(name), sources / name.replace(".", "-"))
        run("prepare", sources, "--output", data, "--every", "1", "--size", "64", "--jobs", "2", "--validation-share", "0",
            "--least-sharpness", "0")
        made = {name: next((data / "clips").glob(name.replace(".", "-") + "-*")) / "rgb.mp4"
                for name in {*self.clips.plain, *self.clips.plain.values()}}
        for name, plain in self.clips.plain.items():
            with self.subTest(name):
                frames = frames_of(made[name], 64, 64)
                wanted = self.clips.decoded_times(name)
                self.assertEqual(len(frames[0]), len(wanted))
                # Prepared clips go at one rate; each frame is compared with what was shown at its own time.
                self.expect_alike((wanted, frames[1]), frames_of(made[plain], 64, 64), 20, f"prepare {name}")

    @unittest.skipUnless(HAS_TORCH, "LibTorch's module is not built")
    def test_identity_takes_every_clip(self):
        done = run("identity", *map(self.clips.path, self.clips.plain), "--pictures-per-clip", "2", "--output",
                   self.path("all.safetensors"))
        self.assertIn(f"identity of {2 * len(self.clips.plain)} pictures", done.stderr + done.stdout)
        self.assertNotIn("left out", done.stderr)

    def demo(self, name):
        output = self.path(f"{name}.demo.mp4")
        if not output.exists():
            done = subprocess.run([SOURCE / "scripts/demo", "-p", "absolute", "-o", output, self.clips.path(name)],
                                  capture_output=True, text=True, env=ENVIRONMENT, timeout=LONGEST)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return output

    def test_demo_keeps_shape_colors_and_times(self):
        for name, plain in self.clips.plain.items():
            with self.subTest(name):
                size = (96, 128) if "upright" in plain else (128, 96)
                frames = frames_of(self.demo(name), *size)
                wanted = frames_of(self.clips.path(name), *size, "deinterlace !")[0]
                self.assertEqual(len(frames[0]), len(wanted))
                for shown, time in zip(frames[0], wanted):
                    self.assertAlmostEqual(shown, time, delta=0.001)
                if name == "hdr.mov":
                    # A driver of high dynamic range gives a video of that.
                    frames = frames[0][::4], [from_hlg(picture) for picture in frames[1][::4]]
                self.expect_alike(frames, frames_of(self.demo(plain), *size), 20, f"demo {name}")

    @unittest.skipUnless(PERSONALISE, "personalising takes minutes: give --personalise REENACT-TRAIN REENACTOR")
    def test_personalise_takes_every_clip(self):
        output = self.path("personal.safetensors")
        done = run("personalise", *map(self.clips.path, self.clips.plain), "--model", PERSONALISE[1], "--output", output,
                   "--iterations", "1", "--pictures-per-source", "1", program=PERSONALISE[0], timeout=None)
        self.assertNotIn("left out", done.stderr)
        run("render", self.clips.path("plain.mkv"), "--identity", output, "--model", PERSONALISE[1], "--output",
            self.path("personal.mkv"), "--limit", "2")

    def test_odd_names_in_each_command(self):
        for number, stem in enumerate(ODD_STEMS):
            with self.subTest(stem):
                folder = self.path(f"odd-{number}")
                (folder / "in").mkdir(parents=True)
                # 255 bytes a name is what file systems take.
                clip, movie, track = f"{stem}.mp4", f"{stem} out.mkv", f"{stem} track"[:243] + ".safetensors"
                shutil.copy(self.clips.path("plain.mkv"), folder / "in" / clip)
                shutil.copy(IDENTITY, folder / f"{stem}.safetensors")

                def here(*arguments):
                    return run(*arguments, cwd=folder)
                here("render", f"./in/{clip}", "--identity", f"./{stem}.safetensors", "--output", f"./{movie}", "--pose-track",
                     f"./{track}", "--limit", "2")
                self.assertIn("256", here("inspect", f"./{track}").stdout)
                self.assertEqual(len(times_of_track(folder / track)), 2)
                self.assertGreater((folder / movie).stat().st_size, 1000)
                here("render", f"./{track}", "--identity", f"./{stem}.safetensors", "--output", f"./{stem} pictures")
                self.assertEqual(len(list((folder / f"{stem} pictures").glob("*.png"))), 2)
                here("blend", f"./{stem}.safetensors:0.5", IDENTITY, "--output", f"./{stem} b.safetensors")
                self.assertTrue((folder / f"{stem} b.safetensors").exists())
                # What is hidden is not looked for in a folder, but taken when it is named.
                here("prepare", f"./in/{clip}", "--output", f"./{stem} data", "--every", "8", "--size", "64", "--jobs", "1")
                self.assertEqual(len(list((folder / f"{stem} data/clips").iterdir())), 1)
                if HAS_TORCH:
                    here("identity", f"./in/{clip}", "--output", f"./{stem} i.safetensors", "--pictures-per-clip", "1")
                    self.assertTrue((folder / f"{stem} i.safetensors").exists())
                demo = subprocess.run([SOURCE / "scripts/demo", "-i", f"./{stem}.safetensors", "-o", f"./{stem} d.mp4",
                                       f"./in/{clip}"], cwd=folder, capture_output=True, text=True, env=ENVIRONMENT, timeout=LONGEST)
                self.assertEqual(demo.returncode, 0, demo.stdout + demo.stderr)
                self.assertEqual(list(folder.rglob("ran")) + list(folder.glob("*.part-*")), [])

    def test_a_mov_is_a_movie_and_other_endings_are_refused(self):
        run("render", self.clips.path("plain.mkv"), "--identity", IDENTITY, "--output", self.path("x.mov"), "--limit", "3")
        self.assertEqual(len(frames_of(self.path("x.mov"), 64, 64)[0]), 3)
        self.assertEqual(self.path("x.mov").read_bytes()[4:12], b"ftypqt  ")
        refused = run("render", self.clips.path("plain.mkv"), "--identity", IDENTITY, "--output", self.path("x.webm"), ok=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("x.webm", refused.stderr)
        self.assertFalse(self.path("x.webm").exists())

    def test_program_and_plugin_need_no_second_reader(self):
        for path in (PROGRAM, BUILD / "gst/libgstreenact.so"):
            needed = re.findall(r"NEEDED.*\[(.*)\]", subprocess.run(["readelf", "-d", path], capture_output=True, text=True).stdout)
            self.assertTrue(any("opencv_core" in name for name in needed), "it says what it needs")
            for name in needed:
                self.assertNotRegex(name, "opencv_videoio|opencv_imgcodecs|libav", path)

    def test_damaged_pictures_are_left_out_by_name(self):
        folder = self.path("pictures")
        folder.mkdir()
        gst(f"filesrc location={self.clips.path('plain.mkv')} ! decodebin ! identity eos-after=3 ! videoconvert ! pngenc ! "
            f"multifilesink location={folder}/%d.png")
        whole = (folder / "1.png").read_bytes()
        (folder / "1.png").write_bytes(whole[:len(whole) // 2])
        (folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
        (folder / "notes.txt").write_text("no picture")
        output = self.path("of-pictures.safetensors")
        commands = [["prepare", folder, "--output", self.path("of-pictures"), "--every", "1", "--size", "64", "--jobs", "1"]]
        if HAS_TORCH:
            commands += [["identity", folder, "--output", output]]
        for command in commands:
            with self.subTest(command[0]):
                done = run(*command)
                for name in ("1.png", "photo.heic", "notes.txt"):
                    self.assertIn(name, done.stderr)
        if not HAS_TORCH:
            return
        self.assertIn("1.png", run("identity", *sorted(folder.glob("*.png")), "--output", output).stderr)
        for path in folder.glob("*.png"):
            path.write_bytes(whole[:100])
        output.unlink()
        for sources in ([folder], sorted(folder.glob("*.png"))):
            done = run("identity", *sources, "--output", output, ok=False)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr.splitlines()[-1], r"^reenact: .*\.png")
            self.assertFalse(output.exists())

    def full_disk_cases(self, folder):
        track = self.path("plain.mkv.track.safetensors")
        self.rendered("plain.mkv")
        render = ["render", track, "--identity", IDENTITY, "--output"]
        yield from ((folder / name, [*render, folder / name]) for name in
                    ("full.mp4", "full.mov", "full.mkv", "full.avi", "full.png"))
        yield folder / "pictures/000000.png", [*render, folder / "pictures"]
        yield (folder / "full.safetensors",
               ["render", self.clips.path("plain.mkv"), "--pose-track", folder / "full.safetensors"])
        if HAS_TORCH:
            yield folder / "who.safetensors", ["identity", self.clips.path("plain.mkv"), "--pictures-per-clip", "1", "--output",
                                               folder / "who.safetensors"]

    def test_a_full_disk_leaves_the_older_file(self):
        """On a file system of two pages; where none can be mounted, under a limit of the size of files."""
        folder = self.path("disk")
        folder.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", folder], capture_output=True).returncode == 0
        print("a full file system" if mounted else "no file system can be mounted here: a limit of the size of files")

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
        options = {} if mounted else {"preexec_fn": limit, "restore_signals": False}
        try:
            for path, arguments in self.full_disk_cases(folder):
                with self.subTest(path.name):
                    path.parent.mkdir(exist_ok=True)
                    path.write_text("older")
                    done = run(*arguments, ok=False, **options)
                    self.assertEqual(done.returncode, 1, (path, done.stderr))
                    errors = [line for line in done.stderr.splitlines() if line.startswith("reenact: ")]
                    self.assertEqual(len(errors), 1, done.stderr)
                    self.assertIn("cannot write", errors[0])
                    self.assertEqual(path.read_text(), "older", path)
                    self.assertFalse(list(path.parent.glob("*.part-*")), "no temporary file stays")
                    path.unlink()
        finally:
            if mounted:
                subprocess.run(["umount", folder], check=True)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
