"""Driver manifests: load, identify, check; manifest and test catalogue are compiled into a Plan that turns bytes into observations."""
