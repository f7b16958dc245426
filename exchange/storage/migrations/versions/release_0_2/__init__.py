"""The migrations up to release 0.2.0; nothing else."""
