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
cp clip.mp4 "$name.mp4"
cp "$(find "$source/models/identities" -name '*.safetensors' | sort | head -n 1)" "$name.safetensors"
"$source/scripts/demo" -i "$name.safetensors" -o "out $name.mp4" "$name.mp4" >log 2>&1 || { cat log >&2; exit 1; }
grep -q ': 6 frames in ' log || { cat log >&2; echo "demo_test: 6 frames were wanted" >&2; exit 1; }
[ -s "out $name.mp4" ] || { echo "demo_test: the video is not where -o asked for it" >&2; exit 1; }
grep -q '^demo: clip.*: no face was found in any of the 6 frames' log || { cat log >&2; echo "demo_test: a warning was wanted" >&2; exit 1; }
[ -z "$(find . -name ran)" ] || { echo "demo_test: a file name was run" >&2; exit 1; }
for background in color colour; do
  "$source/scripts/demo" -b $background -o plain.mp4 "$name.mp4" >log 2>&1 || { cat log >&2; exit 1; }
done

# A portrait clip as a phone stores it: 160x120 lying on its side, and a matrix in the track's header that says so.
python3 - clip.mp4 portrait.mp4 <<'END'
import struct, sys
clip = bytearray(open(sys.argv[1], "rb").read())
matrix = clip.index(b"tkhd") + 44
clip[matrix:matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 120 << 16, 0, 1 << 30)
open(sys.argv[2], "wb").write(clip)
END
"$source/scripts/demo" -o upright.mp4 portrait.mp4 >log 2>&1 || { cat log >&2; exit 1; }
gst-launch-1.0 -v filesrc location=upright.mp4 ! qtdemux ! fakesink | grep -q 'width=(int)120, height=(int)160' ||
  { echo "demo_test: a portrait clip did not give a portrait video" >&2; exit 1; }
