"""What topology declares at a real broker, what is in force there, and who may do what."""
