"""``make smoke``: throw-away accounts chat through a deployed stage, by the SDK, and go again."""
