"""A machine that proves the server blind: what clients know is sent through every flow and searched for.

``python -m tests.canary`` starts a local cloud of its own, lets devices talk in every way there is, stops it,
and searches every table, file, bucket, queue and log for the texts they sent and the keys they hold, in every
encoding that software is likely to use. What that shows: docs/security.md; how to add to it: docs/testing.md.
"""
