"""Published checkpoints: what is known about each, and how its file comes to this machine."""

from hrnet.weights.zoo.cache import checkpoint_folder
from hrnet.weights.zoo.download import download
from hrnet.weights.zoo.entries import HubFile, Result, Source, ZooEntry, find_entry, list_zoo, zoo_entries
from hrnet.weights.zoo.errors import DownloadError
from hrnet.weights.zoo.locating import Located, locate

__all__ = [
    "DownloadError",
    "HubFile",
    "Located",
    "Result",
    "Source",
    "ZooEntry",
    "checkpoint_folder",
    "download",
    "find_entry",
    "list_zoo",
    "locate",
    "zoo_entries",
]
