"""``python -m hrnet``: the same as the ``hrnet`` command."""

import sys

from hrnet.cli import main

sys.exit(main())
