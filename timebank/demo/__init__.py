"""The demo: two time banks of invented people, made through the same use cases as real ones, the same every time."""
