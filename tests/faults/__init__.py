"""Delivery under faults: seeded conversations, faults from outside, and a checker of their histories."""
