"""Mutants: the real code with one rule of the design broken, to prove that the checker would notice."""
