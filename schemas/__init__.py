"""The contracts: frames, HTTPS bodies, tables and golden vectors.

Everything else in the repository follows these files; nothing in here imports anything of the
repository. Server and clients share the files, never code.
"""
