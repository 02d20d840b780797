#!/bin/sh
# The five elements one by one, with stock elements between them: parts.sh IDENTITY.safetensors DRIVER.mp4 OUT.mp4
set -eu
exec gst-launch-1.0 -e filesrc location="$2" ! decodebin ! videoconvert ! \
  reenactcrop detect-interval=3 ! queue ! \
  reenactpose ! \
  reenactidentity identity-file="$1" ! \
  reenactgenerator pose-mode=auto ! queue ! \
  reenactcompositor background=blurred-driver mask-feather=2 ! \
  videoconvert ! x264enc ! video/x-h264,profile=high ! mp4mux ! filesink location="$3"
