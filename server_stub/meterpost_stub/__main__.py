"""`python -m meterpost_stub` is the command `meterpost-stub`."""

import sys

from meterpost_stub.cli import main

sys.exit(main())
