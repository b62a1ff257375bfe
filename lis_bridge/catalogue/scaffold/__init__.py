"""From a capture to a proposal of a driver: pure functions of bytes, and the one writer of a folder."""
