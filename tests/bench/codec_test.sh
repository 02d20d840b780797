#!/bin/sh
# The command of docs/pose-codec.md on poses of the sample clip. usage: codec_test.sh REENACT REENACT_BENCH MODELS
set -eu
export REENACT_MODEL_PATH="$3"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" render --model "$3/reenactor.safetensors" --identity "$3/identities/alex.safetensors" --limit 40 --pose-track "$folder/poses.safetensors" \
  --output "$folder/heads.mp4" "$3/samples/driver.mp4" >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
"$2" codec --model "$3/reenactor.safetensors" --identity "$3/identities/alex.safetensors" --poses "$folder/poses.safetensors" >"$folder/lines"
lines=$(grep -c '"kbit_s":' "$folder/lines" || true)
[ "$lines" -ge 5 ] || { echo "codec printed $lines lines with a bit rate, wanted one for each setting" >&2; cat "$folder/lines" >&2; exit 1; }
