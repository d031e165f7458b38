"""Barriers and fail-points of a test deployment: adapters that wait or fail where a test says so.

``HELIOGRAPH_DECORATE_SERVICES=tests.barriers:decorate`` puts them around the real adapters of every
function; a folder (``HELIOGRAPH_BARRIERS``) is how the test, in another process, talks to them. Every method
of every port has two points, such as ``send.inbox.put.before`` (function, port, method, side); so has every
call of the database session below the adapters, such as ``send.storage.apply.after``. The test drops a file:

* ``<point>.hold``: the first call to get there writes ``<point>.reached`` and waits for ``<point>.release``;
* ``<point>.kill``: the worker process ends there, once;
* ``<point>.unavailable`` / ``.unknown``: the call raises StorageUnavailable or OutcomeUnknown, once, without
  the real one (side ``before``) or after it;
* ``<function>.sockets.post_all.gone`` / ``.fail``: the next posts are answered 410 / fail unmade, once;
  ``.made_gone`` / ``.made_fail``: they are made, and reported so all the same;
* ``<function>.skew``: its clock is off by the ms in the file, as long as it is there;
* ``swap``: all functions run as the mutant of :mod:`tests.faults.mutants` that the file names;
* ``jitter``: calls wait a random time at both sides, as long as the file is there.

A file for one call that is not empty counts only for calls whose arguments hold its text, such as
an account: what an earlier test left under way is not caught. No file, no effect. The template knows nothing
of this, and a test proves that no cloud asset holds it.
"""

from __future__ import annotations

from tests.barriers.control import Barriers
from tests.barriers.inside import decorate

__all__ = ["Barriers", "decorate"]
