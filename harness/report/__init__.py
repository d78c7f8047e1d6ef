"""The same findings in every form."""
