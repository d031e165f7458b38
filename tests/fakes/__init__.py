"""In-memory stand-ins for the ports: unit tests only."""
