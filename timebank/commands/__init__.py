"""What the commands of ``timebank`` do, by subject; ``timebank.cli`` says what they are called and take."""
