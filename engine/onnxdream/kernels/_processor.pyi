"""What the module looks like from Python (see ``_processor.pyx``)."""

def variants() -> tuple[str, ...]:
    """Return the variants of the operators that this processor can run, the best first."""
