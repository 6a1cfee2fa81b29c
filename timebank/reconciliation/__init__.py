"""What the bank says: statements read, matched with payments, and what matches nothing explained."""
