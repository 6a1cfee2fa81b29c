"""Members help each other: offers and wishes, asks, confirming, thanks, blocks and reports."""
