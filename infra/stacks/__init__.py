"""The four stacks: data, endpoints, realtime, https."""
