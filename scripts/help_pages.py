#!/usr/bin/env python3
"""Makes a man page and completions for bash and zsh of what a program of subcommands says with --help.

usage: help_pages.py PROGRAM VERSION MAN BASH ZSH   (the last three are written)
"""
import dataclasses
import pathlib
import re
import subprocess
import sys

# Where CLI11 begins with the descriptions.
COLUMN = 30
FILES = """
.SH ENVIRONMENT
.TP
.B REENACT_MODEL_PATH
Folders, with colons between them, in which model and identity files are looked for by name before the installed ones.
.TP
.B REENACT_MODULE_PATH
Folders in which the LibTorch module is looked for before the installed one.
.SH EXIT STATUS
0, or 1 with one sentence on standard error when the command failed, or 2 when the command line was wrong.
"""


@dataclasses.dataclass
class Command:
    path: list  # the program, then the subcommands
    aliases: list
    summary: str
    usage: str
    positionals: list = dataclasses.field(default_factory=list)  # (what stands left, description)
    options: list = dataclasses.field(default_factory=list)
    subcommands: list = dataclasses.field(default_factory=list)


def read_command(program, path, aliases):
    text = subprocess.run([program, *path[1:], "--help"], check=True, capture_output=True, text=True).stdout
    lines = text.splitlines()
    usage = next(line for line in lines if line.startswith("Usage: "))
    command = Command(path, aliases, " ".join(lines[:lines.index(usage)]).strip(), usage.removeprefix("Usage: "))
    rows = []
    for line in lines[lines.index(usage) + 1:]:
        if heading := re.fullmatch(r"(Positionals|Options|Subcommands):", line):
            rows = {"Positionals": command.positionals, "Options": command.options, "Subcommands": command.subcommands}[heading[1]]
        elif line.startswith(" " * COLUMN):
            rows[-1] = (rows[-1][0], (rows[-1][1] + " " + line.strip()).strip())
        elif line.startswith("  "):
            # What does not fit left of the column has its description on the next line.
            fits = len(line) <= COLUMN or line[COLUMN - 1] == " "
            rows.append((line[:COLUMN].strip(), line[COLUMN:].strip()) if fits else (line.strip(), ""))
    command.subcommands = [read_command(program, path + [names[0]], names[1:])
                           for names in (left.split(", ") for left, _ in command.subcommands)]
    return command


def walk(command):
    yield command
    for below in command.subcommands:
        yield from walk(below)


def names_of(option):
    return option[0].split()[0].split(",")


def takes_value(option):
    return len(option[0].split()) > 1


def choices_of(option):
    found = re.search(r"\{([^}]*)\}", option[0])
    return found[1].split(",") if found else []


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def man_page(program, version):
    name = program.path[0]
    lines = [f'.TH {name.upper()} 1 "" "gst\\-reenact {version}" "User Commands"', ".SH NAME",
             f"{roff(name)} \\- {roff(program.summary.rstrip('.'))}", ".SH SYNOPSIS", f".B {roff(program.usage)}"]
    for command in walk(program):
        if command is program:
            lines += [".SH OPTIONS"]
        else:
            lines += [f".SS {roff(' '.join(command.path))}", roff(command.summary) + ".", ".PP", f".B {roff(command.usage)}"]
            if command.aliases:
                lines += [".PP", "Also called " + ", ".join(map(roff, command.aliases)) + "."]
        for left, description in command.positionals + command.options:
            first, *rest = left.split(" ", 1)
            lines += [".TP", "\\fB" + roff(first) + "\\fR" + "".join(" \\fI" + roff(part) + "\\fR" for part in rest),
                      roff(description) or "\\&"]
        if command is program:
            lines += [".SH COMMANDS"]
    return "\n".join(lines) + FILES


def command_cases(program):
    """Shell: a word after a command that names a command below it."""
    for command in walk(program):
        for below in command.subcommands:
            words = " | ".join(f'"{" ".join(command.path[1:])}/{name}"' for name in [below.path[-1], *below.aliases])
            yield f'      {words}) command="{" ".join(below.path[1:])}" ;;'


def function_name(program):
    return "_" + program.path[0].replace("-", "_")


def value_cases(program):
    """The options of each command that take a value, with their choices if these are known."""
    for command in walk(program):
        for option in command.options:
            if takes_value(option):
                for name in names_of(option):
                    yield f"{' '.join(command.path[1:])}/{name}", choices_of(option)


def bash_completion(program):
    function = function_name(program)
    lines = [f"# Completion of {program.path[0]} for bash, made of its --help.", f"{function}() {{",
             '  local command="" word words=""', '  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}',
             '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do', '    case "$command/$word" in',
             *command_cases(program), "    esac", "  done", "  COMPREPLY=()", '  case "$command/$previous" in']
    for place, choices in value_cases(program):
        # Nothing found means file names: complete -o default.
        lines.append(f'    "{place}") ' + (f'COMPREPLY=($(compgen -W "{" ".join(choices)}" -- "$current")); ' if choices else "") + "return ;;")
    lines += ["  esac", '  case "$command" in']
    for command in walk(program):
        words = [name for option in command.options for name in names_of(option)]
        words += [name for below in command.subcommands for name in (below.path[-1], *below.aliases)]
        lines.append(f'    "{" ".join(command.path[1:])}") words="{" ".join(words)}" ;;')
    lines += ["  esac", '  COMPREPLY=($(compgen -W "$words" -- "$current"))', "}", f"complete -o default -F {function} {program.path[0]}"]
    return "\n".join(lines) + "\n"


def zsh_word(name, description):
    return "'" + (name.replace(":", "\\:") + ":" + description).replace("'", "'\\''") + "'"


def zsh_completion(program):
    lines = [f"#compdef {program.path[0]}", f"# Made of the program's --help.", 'local command="" word', "local -a options commands",
             'for word in "${words[@]:1:$((CURRENT-2))}"; do', '    case "$command/$word" in',
             *command_cases(program), "    esac", "done", 'case "$command/${words[CURRENT-1]}" in']
    for place, choices in value_cases(program):
        lines.append(f'  "{place}") ' + (f"compadd {' '.join(choices)}" if choices else "_files") + "; return ;;")
    lines += ["esac", 'case "$command" in']
    for command in walk(program):
        options = [zsh_word(name, option[1]) for option in command.options for name in names_of(option)]
        commands = [zsh_word(name, below.summary) for below in command.subcommands for name in (below.path[-1], *below.aliases)]
        lines += [f'  "{" ".join(command.path[1:])}")', f"    options=({' '.join(options)})", f"    commands=({' '.join(commands)}) ;;"]
    lines += ["esac", 'if [[ ${words[CURRENT]} == -* ]]; then _describe -o option options',
              "elif (( ${#commands} )); then _describe command commands", "else _files; fi"]
    return "\n".join(lines) + "\n"


def main():
    file, version, man, bash, zsh = sys.argv[1:]
    program = read_command(file, [pathlib.Path(file).name], [])
    for path, text in ((man, man_page(program, version)), (bash, bash_completion(program)), (zsh, zsh_completion(program))):
        pathlib.Path(path).write_text(text, encoding="utf-8")


main()
