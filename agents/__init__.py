"""The stream processors, one file each."""
