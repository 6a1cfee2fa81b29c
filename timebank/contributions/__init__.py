"""Contributions: minutes that members gave, how they are logged, approved and credited."""
