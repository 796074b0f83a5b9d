"""What the flows CFLOW and FastFlow share: coupling layers, training, and the maps they give."""
