"""The echo stack: the smallest WebSocket API, to measure what the local cloud itself costs."""
