"""From "I want to talk with a person", or a cry for help, to a human answer in the same thread, and back."""
