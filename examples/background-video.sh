#!/bin/sh
# The head over another video: background-video.sh IDENTITY.safetensors DRIVER.mp4 BACKGROUND.mp4 OUT.mp4
set -eu
exec gst-launch-1.0 -e filesrc location="$2" ! decodebin ! videoconvert ! reenactbin name=reenact identity-file="$1" ! \
  videoconvert ! x264enc ! video/x-h264,profile=high ! mp4mux ! filesink location="$4" \
  filesrc location="$3" ! decodebin ! videoconvert ! reenact.background
