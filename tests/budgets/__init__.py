"""Budgets of participant pages: how heavy, slow and hard to read they may be. ``make budgets`` measures them."""
