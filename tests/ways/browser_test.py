#!/usr/bin/python3
"""examples/browser/serve in headless Chromium, whose camera shows a clip. usage: browser_test.py SERVE CLIP

REENACT_BROWSER_SCREENSHOTS names a folder for pictures of the page.
"""
import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

for program in ("chromium", "chromedriver"):
    if not shutil.which(program):
        print(f"{program} is not here")
        sys.exit(77)
try:
    import gi
    gi.require_version("GstWebRTC", "1.0")
    gi.require_version("Soup", "3.0")
except (ImportError, ValueError):
    print("python3-gi, gir1.2-gst-plugins-bad-1.0 or gir1.2-soup-3.0 is not here")
    sys.exit(77)
if subprocess.run(["gst-inspect-1.0", "nicesrc"], stdout=subprocess.DEVNULL).returncode:
    print("gstreamer1.0-nice is not here")
    sys.exit(77)

SERVE, CLIP = sys.argv[1:3]
del sys.argv[1:3]
LONGEST = 240  # seconds, on a machine that is busy with other tests

# The head's picture, four times smaller, as gray values.
GRAY = """
const head = document.getElementById("head"), canvas = document.createElement("canvas");
canvas.width = head.videoWidth / 4; canvas.height = head.videoHeight / 4;
const context = canvas.getContext("2d");
context.drawImage(head, 0, 0, canvas.width, canvas.height);
const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
return Array.from({ length: data.length / 4 }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3);
"""


def difference(first, second):
    """Mean absolute difference of two pictures, gray values of 255."""
    return sum(abs(a - b) for a, b in zip(first, second)) / len(first)


def middle(picture, width):
    """Where across the picture, 0 to 1, lies the middle of what stands out from the plain background in its first corner."""
    columns = [index % width for index, gray in enumerate(picture) if abs(gray - picture[0]) > 20]
    return sum(columns) / len(columns) / width if columns else 0


def is_open(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Browser:
    """As much of WebDriver's protocol as this test speaks."""

    def __init__(self, clip):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        # It says what port it took, but not before its buffer is full.
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL)
        self.address = f"http://127.0.0.1:{port}/session"
        try:
            self.begin(port, clip)
        except BaseException:
            self.driver.kill()
            self.driver.wait()
            raise

    def begin(self, port, clip):
        end = time.monotonic() + LONGEST
        while not is_open(port):
            if time.monotonic() > end:
                raise RuntimeError("chromedriver does not listen")
            if self.driver.poll() is not None:
                raise RuntimeError("chromedriver ended")
            time.sleep(0.1)
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                     f"--use-file-for-fake-video-capture={clip}", "--window-size=1100,700"]
        session = self.request("", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"binary": shutil.which("chromium"), "args": arguments}}}})
        self.address += "/" + session["sessionId"]

    def request(self, path, content=None, method="POST"):
        request = urllib.request.Request(self.address + path, json.dumps(content).encode() if content is not None else None,
                                         {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def run(self, script):
        return self.request("/execute/sync", {"script": script, "args": []})

    def save_screenshot(self, name):
        folder = os.environ.get("REENACT_BROWSER_SCREENSHOTS")
        if folder:
            pathlib.Path(folder, name).write_bytes(base64.b64decode(self.request("/screenshot", method="GET")))

    def close(self):
        try:
            self.request("", method="DELETE")
        finally:
            self.driver.terminate()
            self.driver.wait()


class BrowserTest(unittest.TestCase):
    def wait_for(self, what, condition):
        end = time.monotonic() + LONGEST
        while not (value := condition()):
            if time.monotonic() > end:
                self.browser.save_screenshot("failed.png")
                self.fail(f"no {what} within {LONGEST} s; the page says '{self.browser.run('return document.body.innerText')}'")
            time.sleep(0.3)
        return value

    def frame_number(self):
        return self.browser.run('return document.getElementById("head").getVideoPlaybackQuality().totalVideoFrames')

    def later_picture(self, frames=10):
        """A picture that was sent after now."""
        wanted = self.frame_number() + frames
        self.wait_for("further heads", lambda: self.frame_number() >= wanted)
        return self.browser.run(GRAY)

    def test_a_newcomer_sees_a_moving_head_and_changes_it(self):
        with tempfile.TemporaryDirectory() as folder:
            clip = folder + "/camera.mjpeg"
            subprocess.run(f"gst-launch-1.0 -q filesrc location={CLIP} ! decodebin ! videoconvert ! jpegenc ! filesink location={clip}", shell=True, check=True)
            began = time.monotonic()
            with subprocess.Popen([SERVE, "-p", "0"], stdout=subprocess.PIPE, text=True) as server:
                try:
                    page = server.stdout.readline().strip()
                    self.browser = Browser(clip)
                    try:
                        self.use(page, began)
                    finally:
                        self.browser.close()
                finally:
                    server.terminate()
            self.assertEqual(server.returncode, 0)

    def use(self, page, began):
        self.browser.request("/url", {"url": page})
        first = self.wait_for("head", lambda: self.frame_number() > 0 and self.browser.run(GRAY))
        print(f"first head after {time.monotonic() - began:.1f} s", flush=True)
        self.assertGreater(max(first) - min(first), 60, "nothing is drawn")
        moved = self.later_picture()
        self.assertGreater(difference(first, moved), 0.3, "the head does not move")
        print(f"moving head after {time.monotonic() - began:.1f} s", flush=True)
        self.assertAlmostEqual(middle(moved, self.browser.run('return Math.floor(document.getElementById("head").videoWidth / 4)')), 0.5, delta=0.12,
                               msg="the head is not where the clip's face is")

        said = self.wait_for("latency", lambda: self.browser.run('return document.getElementById("latency").textContent'))
        print(said, flush=True)
        self.assertRegex(said, r"^\d+ ms from camera to head: server \d+, network \d+, browser \d+; \d+ heads a second$")
        self.assertEqual(self.browser.run('return document.getElementById("state").textContent'), "")
        self.browser.save_screenshot("head.png")

        pictures = '[...document.querySelectorAll("#identities img")]'
        self.wait_for("thumbnails", lambda: self.browser.run(f"return {pictures}.length && {pictures}.every((picture) => picture.naturalWidth > 0)"))
        self.assertGreaterEqual(self.browser.run(f"return {pictures}.length"), 2)

        # Nothing of the head is left at no opacity, so what differs then is the head.
        def slide(name, value):
            self.browser.run(f'const input = document.getElementsByName("{name}")[0]; input.value = "{value}"; input.dispatchEvent(new Event("input"));')

        slide("opacity", 0)
        self.wait_for("empty picture", lambda: (picture := self.later_picture()) and max(picture) - min(picture) < 30)
        slide("opacity", 1)
        self.wait_for("head again", lambda: (picture := self.later_picture()) and max(picture) - min(picture) > 60)

        slide("pose-strength", 0)
        before = self.later_picture(30)
        self.browser.run('document.querySelectorAll("#identities button")[1].click()')
        self.wait_for("other head", lambda: difference(before, self.later_picture()) > 3)
        self.browser.save_screenshot("other-head.png")


if __name__ == "__main__":
    unittest.main()
