#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Operates a head of the sample clip from a file of keys: operate_head_test.sh PROGRAM SOURCE_ROOT BUILD_ROOT
set -eu
program=$1 source=$2 build=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export GST_PLUGIN_PATH="$build/gst" GST_REGISTRY="$folder/registry.bin" GST_PRESET_PATH="$source/gst/presets"
export REENACT_MODEL_PATH="$source/models" XDG_CACHE_HOME="$folder" XDG_DATA_HOME="$folder"
gst-inspect-1.0 avdec_h264 >/dev/null 2>&1 || { echo "no H.264 decoder is installed"; exit 77; }

# A second of frames is enough to press every key while they come.
keys() {
  sleep 2
  for key in 2 ' ' ' ' m M B y o r p e '?'; do
    printf '%s' "$key"
    sleep 0.2
  done
  printf q
}
clip="filesrc location=$source/models/samples/driver.mp4 ! qtdemux ! h264parse ! avdec_h264"
keys | "$program" --pipeline "$clip ! videoconvert ! reenactbin name=head background=color enrol-countdown=1 ! fakesink sync=true" \
  identities/alex identities/kim >"$folder/said" 2>"$folder/errors" || { cat "$folder/errors" >&2; exit 1; }

status=0
for line in 'identity identities/kim' 'panic ON' 'panic off' 'mouth-strength 0.90' 'mouth-strength 1.00' \
  'bearing-strength 1.10' 'eyes-strength 0.90' 'opacity 0.90' 'reference taken' 'preset broadcast' 'enrolment begins'; do
  grep -q "^$line\$" "$folder/said" || { echo "not said: $line" >&2; status=1; }
done
[ ! -s "$folder/errors" ] || { cat "$folder/errors" >&2; status=1; }
[ $status -eq 0 ] || cat "$folder/said" >&2
exit $status
