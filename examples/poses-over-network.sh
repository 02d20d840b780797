#!/bin/sh
# Only poses travel; the head is drawn at the other end.
#   poses-over-network.sh receive IDENTITY.safetensors [PORT]
#   poses-over-network.sh send DRIVER.mp4 [HOST [PORT]]
set -eu
case $1 in
  send)
    exec gst-launch-1.0 filesrc location="$2" ! decodebin ! videoconvert ! reenactcrop ! reenactpose ! \
      identity sync=true ! gdppay ! tcpclientsink host="${3:-localhost}" port="${4:-5000}" ;;
  receive)
    exec gst-launch-1.0 tcpserversrc host=0.0.0.0 port="${3:-5000}" ! gdpdepay ! \
      reenactidentity identity-file="$2" ! reenactgenerator pose-mode=auto ! reenactcompositor ! \
      videoconvert ! autovideosink sync=false ;;
esac
