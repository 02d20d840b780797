#!/usr/bin/env python3
"""Counts the single test cases of a `meson test` run, names those that failed and says why others were skipped.

usage: count_tests.py BUILD/meson-logs/testlog.junit.xml

meson puts the report that each googletest program writes into its JUnit file. It does not notice a program that ended
without a report, or whose report is that of an earlier run. So every program in testlog.json, which lies beside the
JUnit file, is looked up there, and one whose report is missing counts as failed. Exits with 1 when a test failed or
none passed.
"""
import collections
import datetime
import json
import pathlib
import re
import sys
import xml.etree.ElementTree

Case = collections.namedtuple("Case", "program name state reason")
TIMESTAMP_TOLERANCE = 2  # seconds


def without_project(name):
    """Of a program: "house / lib" and "house:fuzz / lib" are "lib". meson puts that before all names where one has a suite."""
    return re.sub(r"^[\w.+-]+(:[\w.+-]+)* / ", "", name)


def own_words(text):
    """A message of GTEST_SKIP without the source line in front of it."""
    lines = [line.strip() for line in (text or "").splitlines()]
    return " ".join(line for line in lines if line and not re.fullmatch(r"\S+:\d+", line)) or "no reason given"


def case_in_report(program, suite, case):
    name = f"{case.get('classname', suite)}.{case.get('name', '')}"
    if case.find("failure") is not None or case.find("error") is not None:
        return Case(program, name, "failed", "")
    skipped = case.find("skipped")
    if skipped is not None:
        return Case(program, name, "skipped", own_words(skipped.get("message") or skipped.text))
    if case.get("status") == "notrun":
        return Case(program, name, "skipped", "disabled in its source")
    return Case(program, name, "passed", "")


def written_after(suite, start):
    stamp = suite.get("timestamp")
    return not stamp or datetime.datetime.fromisoformat(stamp).timestamp() >= start - TIMESTAMP_TOLERANCE


def ending(run):
    return f"{run['result'].lower()}, exit status {run['returncode']}"


def cases_of_googletest(run, suites):
    program = run["name"]
    suites = [suite for suite in suites if written_after(suite, run["starttime"])]
    cases = [case_in_report(program, suite.get("name"), case) for suite in suites for case in suite.iter("testcase")]
    if not cases:
        return [Case(program, f"the program left no report ({ending(run)})", "failed", "")]
    if run["result"] not in ("OK", "EXPECTEDFAIL", "SKIP") and all(case.state != "failed" for case in cases):
        cases.append(Case(program, f"the program itself ({ending(run)})", "failed", ""))
    return cases


def case_of_program(run):
    program = run["name"]
    if run["result"] in ("OK", "EXPECTEDFAIL"):
        return Case(program, "", "passed", "")
    if run["result"] == "SKIP":
        said = (run.get("stdout") or "") + "\n" + (run.get("stderr") or "")
        return Case(program, "", "skipped", own_words(([""] + said.strip().splitlines())[-1]))
    return Case(program, f"the program itself ({ending(run)})", "failed", "")


def cases_of_run(junit_path):
    logs = junit_path.parent
    runs = [json.loads(line) for line in (logs / "testlog.json").read_text().splitlines() if line]
    for run in runs:
        run["name"] = without_project(run["name"])
    tests = json.loads((logs.parent / "meson-info" / "intro-tests.json").read_text())
    googletests = {test["name"] for test in tests if test["protocol"] == "gtest"}
    suites = collections.defaultdict(list)
    for suite in xml.etree.ElementTree.parse(junit_path).iter("testsuite"):
        # <project>.<program>.<suite>; a name without these three parts holds programs of other protocols.
        name = without_project(suite.get("name").partition(".")[2])
        for program in googletests:
            if name.startswith(program + "."):
                suites[program].append(suite)
    cases = []
    for run in runs:
        if run["name"] in googletests:
            cases += cases_of_googletest(run, suites[run["name"]])
        else:
            cases.append(case_of_program(run))
    return cases


def main():
    junit_path = pathlib.Path(sys.argv[1])
    try:
        cases = cases_of_run(junit_path)
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}; `meson test` did not finish")
    for case in cases:
        if case.state == "failed":
            print("FAILED", f"{case.program}: {case.name}")
    for reason, count in collections.Counter(case.reason for case in cases if case.state == "skipped").most_common():
        print(f"skipped {count}: {reason}")
    states = collections.defaultdict(set)
    for case in cases:
        states[case.program].add(case.state)
    for program, of_program in states.items():
        if of_program == {"skipped"}:
            print(f"skipped as a whole: {program}")
    counts = collections.Counter(case.state for case in cases)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
