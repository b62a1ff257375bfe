"""How long the console's pages take on a full database: filled through the real process step, asked over HTTP."""
