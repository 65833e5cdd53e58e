"""Dead letters: reading and redriving records and deliveries that could not be handled."""
