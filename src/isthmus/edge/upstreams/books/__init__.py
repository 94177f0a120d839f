"""What stands behind the example library: its shelves, its methods by subject, and the versions of its API."""
