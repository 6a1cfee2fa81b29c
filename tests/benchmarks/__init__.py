"""Figures: speed, memory and weights of the running demo, printed beside their targets."""
