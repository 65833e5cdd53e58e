"""Access with I/O: the topics of tokens and of the audit, and the OIDC provider of people."""
