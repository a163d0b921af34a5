"""The functions' code in this process, on a PostgreSQL of its own: for what is measured below the network."""
