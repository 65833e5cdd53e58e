"""The error pattern of a message: the text that stays when variable values are masked."""
