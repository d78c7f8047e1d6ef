"""The four ways in beside a job of one's own: for the same run they say what the live verification said."""
