#!/usr/bin/env python3
"""scripts/count_tests.py on reports as meson and googletest write them. usage: count_tests_test.py SCRIPT"""
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(sys.argv.pop(1))
START = 1_700_000_000.5
NOW = datetime.datetime.fromtimestamp(START + 1).isoformat(timespec="milliseconds")
LONG_AGO = datetime.datetime.fromtimestamp(START - 3600).isoformat(timespec="milliseconds")


def suite(program, cases, when=NOW):
    return f'<testsuite name="house.{program}.Suite" timestamp="{when}">{cases}</testsuite>'


def case(name, inside=""):
    return f'<testcase name="{name}" status="run" classname="Suite">{inside}</testcase>'


def skipped(reason):
    return f'<skipped message="../some_test.cc:12&#x0A;{reason}"/>'


class CountTests(unittest.TestCase):
    def count(self, suites, *runs):
        """`runs`: program, protocol, result, exit status and what it said. Returns exit status and lines."""
        with tempfile.TemporaryDirectory() as folder:
            logs, info = pathlib.Path(folder, "meson-logs"), pathlib.Path(folder, "meson-info")
            logs.mkdir()
            info.mkdir()
            (logs / "testlog.junit.xml").write_text(f"<testsuites>{suites}</testsuites>")
            (logs / "testlog.json").write_text("".join(
                json.dumps({"name": name, "result": result, "returncode": status, "starttime": START, "stdout": said}) + "\n"
                for name, _, result, status, said in runs))
            (info / "intro-tests.json").write_text(json.dumps([{"name": run[0], "protocol": run[1]} for run in runs]))
            done = subprocess.run([sys.executable, SCRIPT, logs / "testlog.junit.xml"], capture_output=True, text=True)
            self.assertEqual(done.stderr, "")
            return done.returncode, done.stdout.splitlines()

    def test_groups_the_skipped_by_reason(self):
        cases = case("A") + case("B", skipped("no AMX")) + case("C", skipped("no AMX")) + case("D", skipped("no clip"))
        self.assertEqual(self.count(suite("lib", cases), ("lib", "gtest", "OK", 0, "")),
                         (0, ["skipped 2: no AMX", "skipped 1: no clip", "1 passed, 0 failed, 3 skipped"]))

    def test_keeps_programs_apart_whose_names_begin_alike(self):
        suites = suite("cpu", case("A")) + suite("cpu on avx2", case("A", skipped("no AMX")))
        self.assertEqual(
            self.count(suites, ("cpu", "gtest", "OK", 0, ""), ("cpu on avx2", "gtest", "OK", 0, "")),
            (0, ["skipped 1: no AMX", "skipped as a whole: cpu on avx2", "1 passed, 0 failed, 1 skipped"]))

    def test_knows_programs_before_which_meson_puts_project_and_suite(self):
        with tempfile.TemporaryDirectory() as folder:
            logs, info = pathlib.Path(folder, "meson-logs"), pathlib.Path(folder, "meson-info")
            logs.mkdir()
            info.mkdir()
            suites = suite("my-house / lib", case("A") + case("B")) + suite("my-house:fuzz / cpu", case("A"))
            (logs / "testlog.junit.xml").write_text(f"<testsuites>{suites}</testsuites>")
            runs = [{"name": name, "result": "OK", "returncode": 0, "starttime": START, "stdout": ""}
                    for name in ("my-house / lib", "my-house:fuzz / cpu", "my-house / script")]
            (logs / "testlog.json").write_text("".join(json.dumps(run) + "\n" for run in runs))
            (info / "intro-tests.json").write_text(json.dumps(
                [{"name": "lib", "protocol": "gtest"}, {"name": "cpu", "protocol": "gtest"},
                 {"name": "script", "protocol": "exitcode"}]))
            done = subprocess.run([sys.executable, SCRIPT, logs / "testlog.junit.xml"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, "4 passed, 0 failed, 0 skipped\n"))

    def test_names_failed_cases(self):
        cases = case("A") + case("B", '<failure message="1 vs 2"/>')
        self.assertEqual(self.count(suite("lib", cases), ("lib", "gtest", "FAIL", 1, "")),
                         (1, ["FAILED lib: Suite.B", "1 passed, 1 failed, 0 skipped"]))

    def test_a_program_that_left_no_report_failed(self):
        runs = ("lib", "gtest", "OK", 0, ""), ("gst", "gtest", "FAIL", -11, "")
        self.assertEqual(
            self.count(suite("lib", case("A")), *runs),
            (1, ["FAILED gst: the program left no report (fail, exit status -11)", "1 passed, 1 failed, 0 skipped"]))

    def test_the_report_of_an_earlier_run_does_not_count(self):
        suites = suite("lib", case("A")) + suite("gst", case("A") + case("B"), LONG_AGO)
        runs = ("lib", "gtest", "OK", 0, ""), ("gst", "gtest", "OK", 0, "")
        self.assertEqual(
            self.count(suites, *runs),
            (1, ["FAILED gst: the program left no report (ok, exit status 0)", "1 passed, 1 failed, 0 skipped"]))

    def test_a_program_that_ends_badly_after_its_report_failed(self):
        self.assertEqual(
            self.count(suite("lib", case("A")), ("lib", "gtest", "FAIL", 23, "")),
            (1, ["FAILED lib: the program itself (fail, exit status 23)", "1 passed, 1 failed, 0 skipped"]))

    def test_other_programs_count_as_one_case(self):
        runs = [("script", "exitcode", "OK", 0, ""), ("slow", "exitcode", "TIMEOUT", -15, ""),
                ("hook", "exitcode", "SKIP", 77, "looking\nno git here\n")]
        self.assertEqual(
            self.count("", *runs),
            (1, ["FAILED slow: the program itself (timeout, exit status -15)", "skipped 1: no git here",
                 "skipped as a whole: hook", "1 passed, 1 failed, 1 skipped"]))

    def test_nothing_passed_is_no_success(self):
        self.assertEqual(self.count(""), (1, ["0 passed, 0 failed, 0 skipped"]))


if __name__ == "__main__":
    unittest.main()
