"""Parity: is a converted model the same model? Logits, labels, delivered output, true labels, final picture."""
