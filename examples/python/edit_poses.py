#!/usr/bin/python3
"""Poses into numpy and back: a face moves a head more, or less, than it moves itself.

edit_poses.py IDENTITY DRIVER OUTPUT.mp4 [--strength S] [--save POSES.npy]

The poses of a clip leave a pipeline through appsink as numpy arrays and go into another one through appsrc, which draws them.
"""
import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402  (GstApp gives appsink and appsrc their methods)
import numpy as np  # noqa: E402


def pose_of(buffer):
    """The pose in a buffer, a copy: 256 float32 of any scale."""
    mapped, view = buffer.map(Gst.MapFlags.READ)
    assert mapped
    pose = np.frombuffer(view.data, np.float32).copy()
    buffer.unmap(view)
    return pose


def with_pose(buffer, pose):
    """A buffer with another pose, and the times and the place of the face of `buffer`."""
    changed = Gst.Buffer.new_wrapped(np.asarray(pose, np.float32).tobytes())
    changed.copy_into(buffer, Gst.BufferCopyFlags.FLAGS | Gst.BufferCopyFlags.TIMESTAMPS | Gst.BufferCopyFlags.META,
                     0, buffer.get_size())
    return changed


def message_of(pipeline, wait=0):
    """The end of the stream, if it came within `wait` nanoseconds. Raises RuntimeError with the words of an error."""
    message = pipeline.get_bus().timed_pop_filtered(wait, Gst.MessageType.ERROR | Gst.MessageType.EOS)
    if message and message.type == Gst.MessageType.ERROR:
        raise RuntimeError(message.parse_error()[0].message)
    return message


def samples(pipeline, appsink):
    while not appsink.is_eos():
        sample = appsink.try_pull_sample(Gst.SECOND // 10)
        if sample:
            yield sample
        message_of(pipeline)


def drive(source, identity, sink, edit):
    """Lets the face in `source` (what gives video, in gst-launch's words) move the head of an identity file into `sink`.

    `edit` gets each pose, a numpy array of 256 float32, and returns the one to draw.
    """
    reading = Gst.parse_launch(f"{source} ! videoconvert ! reenactcrop name=crop ! reenactpose name=pose ! "
                               "other/tensors,num_tensors=1 ! appsink name=poses sync=false max-buffers=4")
    drawing = Gst.parse_launch("appsrc name=poses format=time ! reenactidentity name=identity ! reenactgenerator name=generator ! "
                               f"reenactcompositor ! {sink}")
    drawing.get_by_name("identity").set_property("identity-file", identity)
    # Properties tell of their changes: which device each network got when it was loaded.
    for pipeline in (reading, drawing):
        pipeline.connect("deep-notify::active-device",
                         lambda _, element, spec: print(f"{element.name}: {spec.name} is {element.get_property(spec.name)}", file=sys.stderr))
    poses = drawing.get_by_name("poses")
    try:
        for pipeline in (drawing, reading):
            pipeline.set_state(Gst.State.PLAYING)
        for sample in samples(reading, reading.get_by_name("poses")):
            poses.set_caps(sample.get_caps())
            poses.push_buffer(with_pose(sample.get_buffer(), edit(pose_of(sample.get_buffer()))))
            message_of(drawing)
        poses.end_of_stream()
        message_of(drawing, Gst.CLOCK_TIME_NONE)
    finally:
        for pipeline in (reading, drawing):
            pipeline.set_state(Gst.State.NULL)


def quoted(path):
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    parser = argparse.ArgumentParser(description="Lets a face in a clip move somebody else's head, more or less than it moves itself.")
    parser.add_argument("identity", help="identity file, or the name of an installed one such as identities/alex")
    parser.add_argument("driver", help="clip with a face")
    parser.add_argument("output", help="clip to write, .mp4")
    parser.add_argument("--strength", type=float, default=1.0, help="how far poses lie from the first one: 0 stands still, 1 as they are (%(default)s)")
    parser.add_argument("--save", metavar="FILE.npy", help="the poses that were drawn, an array of [frames, 256]")
    arguments = parser.parse_args()
    Gst.init(None)
    drawn = []

    def edit(pose):
        edit.first = pose if edit.first is None else edit.first
        drawn.append(edit.first + arguments.strength * (pose - edit.first))
        return drawn[-1]

    edit.first = None
    source = f"filesrc location={quoted(arguments.driver)} ! decodebin"
    drive(source, arguments.identity, f"videoconvert ! x264enc ! video/x-h264,profile=high ! mp4mux ! filesink location={quoted(arguments.output)}", edit)
    if not drawn:
        raise RuntimeError(f"no pose came from '{arguments.driver}', wanted a clip with a face")
    if arguments.save:
        np.save(arguments.save, np.array(drawn))
    print(f"{arguments.output}: {len(drawn)} frames, poses of length {np.linalg.norm(drawn, axis=1).mean():.1f} on average")


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"edit_poses: {error}")
