"""The five stacks: data, endpoints, realtime, https, operations."""
