"""What all rooms share: the base error, translation, deadlines, usable cores. Standard library only."""
