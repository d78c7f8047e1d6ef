"""A loopback W&B backend that speaks the SDK's protocol on 127.0.0.1."""
