"""One file per target runtime: the only code that knows how an artifact is made."""
