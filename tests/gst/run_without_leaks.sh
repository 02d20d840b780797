#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a test program under GStreamer's leaks tracer; fails when it fails or when an object outlives it.
# A failing assertion leaks what its test held, so leaks count only when the tests pass.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
GST_TRACERS=leaks GST_DEBUG="${GST_DEBUG:+$GST_DEBUG,}GST_TRACER:7" GST_DEBUG_FILE="$log" GST_DEBUG_NO_COLOR=1 "$@" || exit $?
# gtest lists its tests through the same command.
case " $* " in *" --gtest_list_tests "*) exit 0 ;; esac
if ! grep -q 'leaks' "$log"; then
  echo "the leaks tracer did not run" >&2
  exit 1
fi
if grep 'object-alive, type-name=(string)[^%]' "$log" >&2; then
  echo "GStreamer objects are still alive after the tests" >&2
  exit 1
fi
