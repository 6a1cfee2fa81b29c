"""What the time bank owes suppliers, and the payment runs that finance exports."""
