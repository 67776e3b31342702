"""The command's entry point: the table of verbs, and how errors leave the program.

Exit codes: 0 done, 1 something failed, 2 the command line is wrong, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from hrnet import __version__
from hrnet.errors import HRNetError

app = App(
    name="hrnet",
    help="High-resolution networks: poses, faces, segmentation and classes from pictures; every checkpoint of the family.",
    help_epilogue="Any command takes --debug (or HRNET_DEBUG=1) to show the whole traceback of an error.",
    help_format="plaintext",
    version=__version__,
    suppress_keyboard_interrupt=False,  # main() says so and gives the code
)
# Named by import path: a verb's file is read when it is called, and its library when it runs.
app.command(
    "hrnet.cli.predict:app",
    name="predict",
    help="Poses, classes of pixels or of pictures, in pictures, folders, videos or a camera.",
)
app.command("hrnet.cli.train:train", name="train", help="Train a network as a YAML recipe says.")
app.command("hrnet.cli.evaluate:app", name="evaluate", help="Measure a model on an annotated data set.")
app.command("hrnet.cli.inspect:inspect", name="inspect", help="What is in this data set or checkpoint, and is it sound.")
app.command("hrnet.cli.features:features", name="features", help="What a network sees in pictures, as numbers in a file.")
app.command("hrnet.cli.convert:convert", name="convert", help="Write a checkpoint in the layout of another toolkit.")
app.command("hrnet.cli.models:models", name="models", help="List the networks, and the bundled and published weights.")
app.command("hrnet.cli.doctor:doctor", name="doctor", help="What is installed, what will run where, what is missing.")


def main(tokens: Sequence[str] | None = None) -> int:
    """Run the command line ``tokens`` (default: the process's own) and return the exit code."""
    arguments, debug = _take_debug(list(sys.argv[1:] if tokens is None else tokens))
    try:
        result = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()  # what a pipe has to say about the last lines is heard here, not at exit
    except CycloptsError as error:
        _complain(f"{error}")
        return 2
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130
    except BrokenPipeError:
        # The reader of a pipe (`| head`) is gone: nobody is left to tell, and Python's own flush at exit must not try.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (HRNetError, ValueError, OSError) as error:
        if debug:
            raise
        _complain(_one_line(error))
        return 1
    return result if isinstance(result, int) else 0


def _take_debug(tokens: list[str]) -> tuple[list[str], bool]:
    """Take ``--debug`` out of the tokens before a ``--``, so that it may stand before or after any verb."""
    end = tokens.index("--") if "--" in tokens else len(tokens)
    kept = [token for token in tokens[:end] if token != "--debug"]
    asked = len(kept) < end or os.environ.get("HRNET_DEBUG", "0") not in ("", "0")
    return kept + tokens[end:], asked


def _one_line(error: BaseException) -> str:
    """The error in words a user can act on; an OSError without its number."""
    if isinstance(error, OSError) and not isinstance(error, HRNetError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _complain(message: str) -> None:
    print(f"hrnet: error: {message}", file=sys.stderr)
