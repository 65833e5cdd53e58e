"""Access: roles and tenants of people and programs, their tokens, failed attempts, the audit."""
