"""What a ``driver.toml`` may say, and how it is read: ``driver`` is the whole, and each table of it has the module of its name.

Paths are those of ``dialects.paths``; a list of paths means: the first that is not empty. These words are data, nothing here reads a
message: ``catalogue.plan`` compiles them once. From the files on the disk ``tables`` makes one table, and ``validating`` of that a manifest,
or all that is wrong with it.
"""
