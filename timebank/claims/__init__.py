"""Expenses that members claim back, and access costs that are paid up front."""
