#!/usr/bin/env python3
"""Man page and completions know what a program says with --help. usage: help_pages_test.py PROGRAM MAN BASH ZSH"""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

PROGRAM, MAN, BASH, ZSH = (pathlib.Path(argument) for argument in sys.argv[1:5])
del sys.argv[1:5]
LONGEST = 30  # seconds for a program, on a machine that is busy with other tests


def commands(path=()):
    """Each command's path and the words that its --help lists: options and subcommands, without their descriptions."""
    text = subprocess.run([PROGRAM, *path, "--help"], check=True, capture_output=True, text=True, timeout=LONGEST).stdout
    options = [name for names in re.findall(r"^  (-[-\w,]+)", text, re.M) for name in names.split(",")]
    below = text.split("\nSubcommands:\n")[1] if "\nSubcommands:\n" in text else ""
    names = re.findall(r"^  ([a-z][a-z0-9]*)", below, re.M)
    yield path, options, names
    for name in names:
        yield from commands((*path, name))


COMMANDS = list(commands())


def bash_completes(*words):
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _' + PROGRAM.name.replace("-", "_") + \
        '; printf "%s\\n" "${COMPREPLY[@]}"'
    said = subprocess.run(["bash", "-c", script, "bash", BASH, PROGRAM.name, *words], check=True, capture_output=True, text=True,
                          timeout=LONGEST)
    return said.stdout.split()


class HelpPagesTest(unittest.TestCase):
    def test_the_program_says_something(self):
        self.assertGreater(sum(len(options) for _, options, _ in COMMANDS), 20)

    def test_man_page_has_each_option_of_each_command(self):
        page = MAN.read_text().replace("\\-", "-")
        parts = re.split(r"^\.SS (.*)\n", page, flags=re.M)
        sections = {PROGRAM.name: parts[0], **dict(zip(parts[1::2], parts[2::2]))}
        for path, options, _ in COMMANDS:
            section = sections[" ".join((PROGRAM.name, *path))]
            for option in options:
                self.assertRegex(section, rf"(?m)^\\fB(\S+,)?{option}[,\\]", path)

    @unittest.skipUnless(shutil.which("man"), "man is not here")
    def test_man_formats_the_page_without_a_warning(self):
        done = subprocess.run(["man", "--warnings", "-l", MAN], capture_output=True, text=True, timeout=LONGEST)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("bash"), "bash is not here")
    def test_bash_completes_each_option_and_command(self):
        for path, options, names in COMMANDS:
            self.assertLessEqual({*options, *names}, {*bash_completes(*path, "")}, path)
            self.assertEqual([option for option in options if option.startswith("--h")], bash_completes(*path, "--h"), path)

    @unittest.skipUnless(shutil.which("bash"), "bash is not here")
    def test_bash_completes_the_values_that_are_named(self):
        path = next(path for path, options, _ in COMMANDS if "--backend" in options)
        self.assertEqual(bash_completes(*path, "--backend", ""), ["auto", "cpu", "torch"])
        self.assertEqual(bash_completes(*path, "--threads", ""), [])

    def test_zsh_knows_each_option_and_command(self):
        text = ZSH.read_text()
        for path, options, names in COMMANDS:
            case = text.split(f'  "{" ".join(path)}")\n')[1].split(";;\n")[0]
            for word in (*options, *names):
                self.assertIn(f"'{word}:", case, path)

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not here")
    def test_zsh_reads_the_completion(self):
        subprocess.run(["zsh", "-n", ZSH], check=True, timeout=LONGEST)


if __name__ == "__main__":
    unittest.main()
