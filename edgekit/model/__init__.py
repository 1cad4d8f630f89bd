"""The person parser: Hugging Face's graph as the reference, and the same weights in an export-friendly graph."""
