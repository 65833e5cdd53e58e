"""Dead letters: reading and redriving failed records and deliveries."""
