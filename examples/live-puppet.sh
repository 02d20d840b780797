#!/bin/sh
# A camera moves a head, on screen: live-puppet.sh IDENTITY.safetensors [/dev/videoN]
set -eu
exec gst-launch-1.0 v4l2src device="${2:-/dev/video0}" ! videoconvert ! queue leaky=downstream max-size-buffers=1 ! \
  reenactbin identity-file="$1" crop::detect-interval=5 ! videoconvert ! autovideosink sync=false
