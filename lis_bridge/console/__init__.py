"""The web console: one technician, one screen. It sits above the runtime, reads what the rooms below keep, and decides only through ``pipeline.deciding``."""
