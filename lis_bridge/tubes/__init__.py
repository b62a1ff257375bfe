"""What is known of each tube: which tube a message belongs to, what its results are, and their store."""
