"""Who may use the console: users and roles, sessions, the brake on guessing, and the link that makes the first engineer."""
