"""What an hour of involvement, a mile or an hour of care is paid with: dated tables, never code."""
