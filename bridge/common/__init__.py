"""What every room needs: the root of all errors, the user's language, deadlines, threads. Standard library only."""
