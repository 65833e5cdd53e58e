"""Kafka beside Faust: the runtime, administration, readers and feeds of topics."""
