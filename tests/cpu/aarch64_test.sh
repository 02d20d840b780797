#!/bin/sh
# Compiles the CPU kernels, what is built of them alone, and their tests for aarch64 and runs them under qemu-user, as a CPU
# with the dot product and as one without. oneDNN, OpenCV and GLib of that architecture are not needed: of the first two only
# headers are, and what of oneDNN stays unresolved is in tests that are left out. The last line counts the tests.
#
#   tests/cpu/aarch64_test.sh FOLDER      # for what is built
set -eu
cd "$(dirname "$0")/../.."
folder=$1
compiler=aarch64-linux-gnu-g++
for program in $compiler qemu-aarch64; do
  if ! command -v $program >/dev/null; then
    echo "aarch64: $program is not here (packages g++-aarch64-linux-gnu and qemu-user), so the kernels are not tested for it"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
  fi
done
mkdir -p "$folder/include"
# The headers of this machine that are the same for every architecture, and no others.
for header in /usr/include/oneapi /usr/include/opencv4/opencv2 /usr/include/gtest /usr/include/nlohmann; do
  ln -sfn "$header" "$folder/include/$(basename "$header")"
done
gtest=/usr/src/googletest/googletest
sources="$gtest/src/gtest-all.cc $gtest/src/gtest_main.cc"
for name in kernels/elementwise kernels/elementwise_plain kernels/elementwise_neon kernels/float_winograd \
  kernels/float_winograd_neon kernels/instruction_set kernels/winograd \
  kernels/winograd_plain kernels/winograd_neon_dot convolution float_winograd_convolution folded_weights generator_layer \
  quantised_weights winograd_convolution worker_pool ../reenact/background_thread ../reenact/usable_cores; do
  sources="$sources lib/cpu/$name.cc"
done
for name in float_winograd_test kernels_test saturating_winograd winograd_test; do
  sources="$sources tests/cpu/$name.cc"
done

# compile SOURCE: to an object.
compile() {
  object=$folder/$(basename "$1" .cc).o
  flags=
  case $1 in
    *_neon_dot.cc) flags=-march=armv8.2-a+dotprod ;;
    */gtest*) flags=-I$gtest ;;
    *) flags=-Wall ;;
  esac
  # shellcheck disable=SC2086
  $compiler -std=c++20 -O2 -fopenmp $flags -Ilib -Itests -Itests/cpu -I. -isystem "$folder/include" -c "$1" -o "$object"
}
jobs=0
objects=
for source in $sources; do
  object=$folder/$(basename "$source" .cc).o
  objects="$objects $object"
  # One that is newer than all that is ours stays.
  if [ -e "$object" ] && [ -z "$(find lib/cpu lib/reenact tests/cpu tests/support -name '*.[hc]*' -newer "$object" | head -n 1)" ]; then
    continue
  fi
  rm -f "$object"
  compile "$source" &
  jobs=$((jobs + 1))
  [ $((jobs % $(nproc))) -ne 0 ] || wait
done
wait
# shellcheck disable=SC2086
$compiler -static -fopenmp $objects -Wl,--unresolved-symbols=ignore-all -o "$folder/kernel-tests" 2>"$folder/link.log" ||
  { cat "$folder/link.log" >&2; exit 1; }

status=0
for cpu in max cortex-a53; do
  echo "== as $cpu"
  qemu-aarch64 -cpu $cpu "$folder/kernel-tests" --gtest_brief=1 --gtest_filter="-*OneDnn*" \
    --gtest_output="xml:$folder/$cpu.xml" || status=1
done
python3 - "$folder/max.xml" "$folder/cortex-a53.xml" <<'END'
import sys
import xml.etree.ElementTree as tree
passed = failed = skipped = 0
for path in sys.argv[1:]:
    for case in tree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None:
            failed += 1
        elif case.get("result") in ("skipped", "suppressed") or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
END
exit $status
