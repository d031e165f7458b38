"""Placeholder until the injections land."""
INJECTIONS = ()
NOT_YET = {"F5": "duplicate SQS delivery"}
