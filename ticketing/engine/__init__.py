"""Faust as this project needs it: batched, durable, watched; nothing about incidents."""
