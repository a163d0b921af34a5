"""What runs in the processes of functions, and is imported by nothing else."""
