"""Recipes: what is int8 and what stays float, per named block of the model."""
