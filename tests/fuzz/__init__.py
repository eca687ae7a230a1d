"""An attack on the engine: damaged files, impossible settings, and processes shot dead.

::

    python tests/fuzz/run.py --minutes 2 --seed 7           # every target
    python tests/fuzz/run.py --target networks --cases 500  # one
    python tests/fuzz/run.py --replay FILE                  # what was found, once more

A *target* (`targets`) makes cases and judges what comes of them. A case is a pure function
of the target's name, a seed and a number. It runs in a *worker*, a process whose time and
memory are watched, so that whatever happens there is known to be of this case. What may
happen is: a result that is finite, or an error of the one tree. All else is a *finding*,
and is kept as a file that brings it about again.
"""
