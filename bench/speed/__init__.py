"""How fast it is, and how it grows: measured by one command, written into ``docs/performance.md``."""
