"""The devices of a rig behind a child's stdin and stdout."""

__version__ = "1.0.0"
