"""lis-bridge reads laboratory analyzers and hands the LIS one normalized result set per tube."""

__version__ = "0.1.0"
