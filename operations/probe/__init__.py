"""``make probe``: what only a real deployment can answer, asked once and compared with what was assumed."""
