"""Read models: what pages and the API show, as frozen structs. Each takes a connection and plain values, nothing of the web; times are aware."""
