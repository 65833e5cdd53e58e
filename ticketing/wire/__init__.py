"""The messages of the project's own topics, one file a topic, and the topics themselves."""
