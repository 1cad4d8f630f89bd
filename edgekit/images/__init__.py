"""Pictures: decoded, brought to the network's input size, written back."""
