"""What is remembered: table definitions with typed accessors."""
