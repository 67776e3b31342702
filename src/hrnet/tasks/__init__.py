"""Tasks: one file each, binding network, codec, loss and result."""
