"""The whole path over real sockets: analyzers → ``lis-bridge run`` on SQLite → a LIS that only acknowledges.

Load, bridge and LIS are processes of their own, so that each one's processor time is counted by itself. A run without right results
fails: every result must be at the LIS exactly once, under its tube, with the value that was sent.
"""
