"""The rules of summaries: text by rules, the queue before a model, and its answer."""
