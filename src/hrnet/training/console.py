"""What Lightning says on the console: advertisements and notes for its own developers are left out while a run goes on."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_NOT_FOR_USERS = (
    ".*does not have many workers.*",  # samples are bound by the network
    ".*is smaller than the logging interval.*",  # log.csv has every epoch
    ".*exists and is not empty.*",  # of the checkpoint folder: the engine decides about that
    ".*LeafSpec.*is deprecated.*",  # between Lightning and torch
    ".*treespec, LeafSpec.*",
    ".*Detected call of `lr_scheduler.step.. before `optimizer.step.*",  # a step that 16-mixed skipped
    ".*GPU available but not used.*",  # the recipe says so
    ".*module.s. in eval mode at the start of training.*",  # frozen parts
    ".*Total length of .list. across ranks is zero.*",  # a recipe without validation
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Let Lightning's warnings through, but not its notes and not the warnings that a user can do nothing about."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for message in _NOT_FOR_USERS:
            warnings.filterwarnings("ignore", message=message)
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
