"""What batches are made of: numpy arrays that hold strings, keys, columns and numbers, many at a time."""
