"""Dialects turn the text of one message into blocks: what is said once of a specimen, and columns of its results.

A dialect knows separators, escapes and record order. It knows no analyzer: a ``Layout`` (data, from a driver's manifest) says what is asked.
No I/O, no clock. This is the hot path.
"""
