"""What the end-to-end tests stand on: the real binary, an upstream of our own, raw sockets, an independent verifier."""
