"""The one file that holds everything a device must not forget."""
