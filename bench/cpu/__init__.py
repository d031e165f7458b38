"""What a call of each hot handler costs in processor time, and what a cold start costs, without an emulator.

The handlers run in a process of their own against a real Cassandra, with the events that API Gateway would
hand them; posts go to a gateway of a few lines that takes everything. ``python -m bench.cpu`` prints it:
see :func:`bench.cpu.run.measure`.
"""
