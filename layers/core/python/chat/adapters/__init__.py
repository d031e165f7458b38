"""The only place that knows Cassandra, AWS and token libraries."""
