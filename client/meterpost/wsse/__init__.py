"""Message security: envelope bytes are sealed, and opened."""
