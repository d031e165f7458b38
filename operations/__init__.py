"""What whoever runs a stage asks of its logs: the rates of now, and the way of one message.

Reads only what the functions log. Imports nothing of the server; both share ``schemas/metrics.py`` and
``schemas/pseudonyms.py``.
"""
