"""What people do with a messenger, played by real clients against the real template, and counted."""

from __future__ import annotations
