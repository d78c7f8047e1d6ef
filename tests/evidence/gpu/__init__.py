"""AMD GPUs without an AMD GPU: stand-ins for the driver's state, for rocm-smi and for its library."""
