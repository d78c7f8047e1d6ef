"""The laws of judging, each as a property over the whole catalogue."""
