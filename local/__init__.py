"""The local cloud: the template and the handlers of this project on one machine, without Docker and without
an account.

``python -m local up`` starts a real Apache Cassandra and a local AWS (ministack), deploys the one template
there and proves with a message that the whole works. ``docs/local-cloud.md`` explains it. Imports no runtime
code of the project, only ``schemas``.
"""
