"""Ways to post one frame to many connections, and what they post to."""
