"""The network, its labels and decoding, its export, and the runtime that predicts."""
