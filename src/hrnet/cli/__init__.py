"""The ``hrnet`` command: one file per verb, argument handling only. The work is done by the library below."""

from hrnet.cli.entry import app, main

__all__ = ["app", "main"]
