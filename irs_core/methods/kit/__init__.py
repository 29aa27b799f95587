"""What certification methods are made from."""
