"""What sealing messages costs on the device: processor time, bytes, and the size of a store.

No server takes part. ``python -m bench.encryption`` prints it: see :func:`bench.encryption.run.measure`.
"""
