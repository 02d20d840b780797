#!/usr/bin/python3
"""examples/browser/serve in headless Chromium, whose camera shows a clip. usage: browser_test.py SERVE CLIP

REENACT_BROWSER_SCREENSHOTS names a folder for pictures of the page. Whatever hangs, all ends within a minute.
"""
import base64
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from process_group import end_group

STARTED = time.monotonic()
LONGEST = 45  # seconds until a wait is given up, on a machine that is busy with other tests
LONGEST_IN_ALL = 48  # seconds, for what is no wait of this test
LONGEST_END = 4  # seconds for a program to end when it is told to

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
if subprocess.run(["gst-inspect-1.0", "nicesrc"], stdout=subprocess.DEVNULL, timeout=30).returncode:
    print("gstreamer1.0-nice is not here")
    sys.exit(77)
routes = pathlib.Path("/proc/net/route")
if routes.exists() and len(routes.read_text().splitlines()) < 2:
    print("no network but loopback is here, which browsers do not use for WebRTC")
    sys.exit(77)

SERVE, CLIP = sys.argv[1:3]
del sys.argv[1:3]

# The head's picture, four times smaller, as gray values.
GRAY = """
const head = document.getElementById("head"), canvas = document.createElement("canvas");
canvas.width = head.videoWidth / 4; canvas.height = head.videoHeight / 4;
const context = canvas.getContext("2d", { willReadFrequently: true });
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


def seconds_left():
    return max(STARTED + LONGEST - time.monotonic(), 0.1)


def wait_for(what, condition):
    """The first true value of the condition."""
    while not (value := condition()):
        if time.monotonic() > STARTED + LONGEST:
            raise TimeoutError(f"no {what} within {LONGEST} s of the test's beginning")
        time.sleep(0.2)
    return value


def give_up(number, _):
    raise TimeoutError(f"the test was not done after {LONGEST_IN_ALL} s" if number == signal.SIGALRM else "the test was told to end")


def end(process):
    """Tells a program to end, and ends what is left of its process group."""
    if process.returncode is not None:
        return
    try:
        process.terminate()
        process.wait(LONGEST_END)
    except subprocess.TimeoutExpired:
        pass
    finally:
        end_group(process)


class Server:
    """examples/browser/serve at a port that is free."""

    def __init__(self, folder):
        self.log = pathlib.Path(folder, "serve.log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([sys.executable, "-X", "faulthandler", SERVE, "-p", "0"], stdout=subprocess.PIPE, stderr=log, text=True,
                                            start_new_session=True)
        try:
            ready, _, _ = select.select([self.process.stdout], [], [], seconds_left())
            self.page = self.process.stdout.readline().strip() if ready else ""
            if not self.page:
                raise RuntimeError(f"serve does not say where it listens: {self.log.read_text()}")
        except BaseException:
            self.close()
            raise

    def answers(self):
        try:
            with urllib.request.urlopen(self.page, timeout=min(5, seconds_left())) as answer:
                return answer.status == 200
        except OSError:
            return False

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def told_to_end(self):
        """What it said when it has ended; where its threads are, as Python tells at SIGABRT, if it does not end."""
        self.process.terminate()
        try:
            self.process.wait(LONGEST_END)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            time.sleep(0.5)
            raise TimeoutError(f"serve does not end within {LONGEST_END} s of SIGTERM: {self.log.read_text()}") from None
        return self.log.read_text()

    def close(self):
        end(self.process)
        self.process.stdout.close()


class Browser:
    """As much of WebDriver's protocol as this test speaks."""

    def __init__(self, clip, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/session"
        self.log = pathlib.Path(folder, "chromedriver.log")
        with open(self.log, "w") as log:
            # The browser is in the process group of its driver, and would outlive it when that is killed alone.
            self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=log, stderr=log, env={**os.environ, "TMPDIR": folder},
                                           start_new_session=True)
        try:
            self.begin(port, clip)
        except BaseException:
            self.close()
            raise

    def begin(self, port, clip):
        wait_for("chromedriver that listens", lambda: is_open(port) or self.driver.poll() is not None)
        if self.driver.poll() is not None:
            raise RuntimeError(f"chromedriver ended: {self.log.read_text()[-1000:]}")
        arguments = ["--headless=new", "--disable-gpu", "--no-sandbox", "--disable-dev-shm-usage", "--use-fake-ui-for-media-stream",
                     "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={clip}", "--window-size=1100,700"]
        session = self.request("", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"binary": shutil.which("chromium"), "args": arguments}}}})
        self.address += "/" + session["sessionId"]

    def request(self, path, content=None, method="POST", timeout=None):
        request = urllib.request.Request(self.address + path, json.dumps(content).encode() if content is not None else None,
                                         {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout or seconds_left()) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"chromedriver refuses {path or 'a session'}: {error.read().decode()[:1000]}") from error
        except OSError as error:
            raise RuntimeError(f"chromedriver does not answer {path or 'for a session'}: {error}") from error

    def run(self, script):
        return self.request("/execute/sync", {"script": script, "args": []})

    def save_screenshot(self, name):
        folder = os.environ.get("REENACT_BROWSER_SCREENSHOTS")
        if folder:
            pathlib.Path(folder, name).write_bytes(base64.b64decode(self.request("/screenshot", method="GET")))

    def close(self):
        end(self.driver)


class BrowserTest(unittest.TestCase):
    def setUp(self):
        for number in (signal.SIGALRM, signal.SIGTERM):
            signal.signal(number, give_up)
        signal.setitimer(signal.ITIMER_REAL, max(STARTED + LONGEST_IN_ALL - time.monotonic(), 0.1))
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        clip = folder.name + "/camera.mjpeg"
        subprocess.run(["gst-launch-1.0", "-q", *f"filesrc location={CLIP} ! decodebin ! videoconvert ! jpegenc ! filesink location={clip}".split()],
                       check=True, timeout=seconds_left())
        self.began = time.monotonic()
        self.server = Server(folder.name)
        self.addCleanup(self.server.close)
        self.browser = Browser(clip, folder.name)
        self.addCleanup(self.browser.close)

    def wait_for(self, what, condition):
        def condition_of_a_living_server():
            self.assertIsNone(self.server.process.poll(), f"serve ended while the test waited for {what}: {self.server.log.read_text()}")
            return condition()
        try:
            return wait_for(what, condition_of_a_living_server)
        except TimeoutError as error:
            said = self.browser.request("/execute/sync", {"script": "return document.body.innerText", "args": []}, timeout=2)
            self.fail(f"{error}; the page says '{said}'")

    def frame_number(self):
        return self.browser.run('return document.getElementById("head").getVideoPlaybackQuality().totalVideoFrames')

    def later_picture(self, frames=3):
        """A picture that was sent after now."""
        wanted = self.frame_number() + frames
        self.wait_for("further heads", lambda: self.frame_number() >= wanted)
        return self.browser.run(GRAY)

    def open_page(self):
        """The first picture of a head. The camera is slowed to what a busy machine can draw, which leaves the browser time to answer."""
        self.browser.request("/url", {"url": self.server.page})
        self.browser.run("camera.then((stream) => stream.getVideoTracks()[0].applyConstraints({ frameRate: 8 }))")
        return self.wait_for("head", lambda: self.frame_number() > 0 and self.browser.run(GRAY))

    def test_a_newcomer_sees_a_moving_head_and_changes_it_and_the_server_outlives_page_and_browser(self):
        self.use_page()
        self.browser.request("/url", {"url": "about:blank"})
        self.assertTrue(self.server.answers(), "the server hangs since the page was left")
        files = self.server.open_files()
        self.open_page()
        os.killpg(self.browser.driver.pid, signal.SIGKILL)
        self.assertTrue(self.server.answers(), "the server hangs since the browser was killed")
        wait_for(f"end of the second page's pipeline, which keeps files open beside the {files} before it", lambda: self.server.open_files() <= files)
        said = self.server.told_to_end()
        self.assertEqual(self.server.process.returncode, 0, said)
        self.assertNotIn("loop detected", said)

    def use_page(self):
        first = self.open_page()
        print(f"first head after {time.monotonic() - self.began:.1f} s", flush=True)
        self.assertGreater(max(first) - min(first), 60, "nothing is drawn")
        moved = self.later_picture(10)
        self.assertGreater(difference(first, moved), 0.3, "the head does not move")
        print(f"moving head after {time.monotonic() - self.began:.1f} s", flush=True)
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
        # A head that moves keeps its shades; another head has others.
        before = sorted(self.later_picture())
        self.browser.run('document.querySelectorAll("#identities button")[1].click()')
        self.wait_for("other head", lambda: difference(before, sorted(self.later_picture())) > 4)
        self.browser.save_screenshot("other-head.png")


if __name__ == "__main__":
    unittest.main()
