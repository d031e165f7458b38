"""Golden vectors, and the script that makes them."""
