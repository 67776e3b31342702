"""What can go wrong on the way to a file."""

from __future__ import annotations

from hrnet.errors import HRNetError


class DownloadError(HRNetError, OSError):
    """A published checkpoint could not be brought here; the message lists every address and how to go on by hand."""


class AddressError(Exception):
    """One address did not give the file, and why. The next address may.

    Attributes:
        retry: whether asking the same address again may help.
        lied: whether it gave something else under the file's name.
    """

    def __init__(self, reason: str, retry: bool = False, lied: bool = False) -> None:
        super().__init__(reason)
        self.retry = retry
        self.lied = lied
