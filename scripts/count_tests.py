#!/usr/bin/env python3
"""Counts the single test cases in the JUnit report that `meson test` wrote; fails when there was none."""
import sys
import xml.etree.ElementTree

counts = {"passed": 0, "failed": 0, "skipped": 0}
for case in xml.etree.ElementTree.parse(sys.argv[1]).iter("testcase"):
    if case.find("failure") is not None or case.find("error") is not None:
        counts["failed"] += 1
        print("FAILED", case.get("classname", ""), case.get("name", ""))
    elif case.find("skipped") is not None or case.get("status") == "notrun" or case.get("result") == "skipped":
        counts["skipped"] += 1
    else:
        counts["passed"] += 1
print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
sys.exit(counts["passed"] == 0)
