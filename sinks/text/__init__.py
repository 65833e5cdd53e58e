"""The text of tickets: parts, titles, bodies, comments, and their lengths."""
