"""The command `completion`: what a shell needs to complete commands, options and files."""

import argparse
from collections.abc import Callable
from functools import partial

from irs_core.cli.options import add_json_option, path
from irs_core.cli.printing import print_json

SHELLS = ("bash", "zsh", "fish")
# What the script `irs` does itself.
_OF_THE_SCRIPT = {
    "app": "open the dashboard; options go to streamlit",
    "test": "style, types, import contracts and tests; options go to pytest",
}
# Options that take a file or a folder, or something else that is no path.
_MAYBE_FILES = ("model", "root", "classes", "integer", "out", "qat_from")


def add_completion(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    command_parser: Callable[[], argparse.ArgumentParser],
) -> None:
    """Add the command `completion`.

    Args:
        command_parser: Makes the parser of the whole command line.
    """
    parser = commands.add_parser(
        "completion",
        help="print what a shell needs to complete commands and options",
        description='bash: eval "$(./irs completion bash)" in ~/.bashrc; zsh: the same with zsh in '
        "~/.zshrc, after compinit; fish: ./irs completion fish > "
        "~/.config/fish/completions/irs.fish",
    )
    parser.add_argument("shell", choices=SHELLS)
    add_json_option(parser)
    parser.set_defaults(run=partial(_completion, command_parser))


def _completion(
    command_parser: Callable[[], argparse.ArgumentParser], arguments: argparse.Namespace
) -> None:
    script = completion_script(arguments.shell, command_parser())
    if arguments.json:
        print_json("completion", {"shell": arguments.shell, "script": script})
    else:
        print(script)


def completion_script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script for one of `SHELLS`, made from the parser of the whole command line."""
    # Only this command needs it.
    import shtab

    (commands,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    for name, text in _OF_THE_SCRIPT.items():
        commands.add_parser(name, help=text)
    _mark_files(parser)
    return str(shtab.complete(parser, shell))


def _mark_files(parser: argparse.ArgumentParser) -> None:
    import shtab

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                _mark_files(below)
        elif action.choices is None and (action.type is path or action.dest in _MAYBE_FILES):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
