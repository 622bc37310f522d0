"""Recipes, features, the objective and the training run."""
