#!/bin/sh
# scripts/demo takes any name of a file for input, identity and output, and runs nothing of it: demo_test.sh SOURCE BUILD
set -eu
source=$1
export REENACT_BUILD="$2"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
name='clip`touch ran`$(touch ran);touch ran "quo'\''ted" \back\ $HOME a:b ! x=y ünï'
# A quarter of a second is enough.
gst-launch-1.0 -q videotestsrc num-buffers=6 ! video/x-raw,width=160,height=120,framerate=25/1 ! x264enc ! mp4mux ! filesink location=clip.mp4
mv clip.mp4 "$name.mp4"
cp "$(find "$source/models/identities" -name '*.safetensors' | sort | head -n 1)" "$name.safetensors"
"$source/scripts/demo" -i "$name.safetensors" -o "out $name.mp4" "$name.mp4" >log 2>&1 || { cat log >&2; exit 1; }
grep -q ': 6 frames in ' log || { cat log >&2; echo "demo_test: 6 frames were wanted" >&2; exit 1; }
[ -s "out $name.mp4" ] || { echo "demo_test: the video is not where -o asked for it" >&2; exit 1; }
[ -z "$(find . -name ran)" ] || { echo "demo_test: a file name was run" >&2; exit 1; }
for background in color colour; do
  "$source/scripts/demo" -b $background -o plain.mp4 "$name.mp4" >log 2>&1 || { cat log >&2; exit 1; }
done
