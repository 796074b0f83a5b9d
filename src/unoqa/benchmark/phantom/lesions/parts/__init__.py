"""What lesions share."""
