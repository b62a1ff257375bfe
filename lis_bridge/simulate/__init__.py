"""Analyzers and a LIS that speak the real protocols, made from the driver files: for tests, for trying out a site, and for the demo."""
