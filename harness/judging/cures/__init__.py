"""Cures: advice that can be carried out, as commands or as an edit of the user's own script."""
