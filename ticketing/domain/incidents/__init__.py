"""The rules of incidents: lifecycle, commands, timers, storm guards and links."""
