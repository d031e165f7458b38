"""`python -m heliograph` is `helio`."""

from __future__ import annotations

import sys

from heliograph.cli import main

sys.exit(main())
