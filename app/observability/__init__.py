"""What can be seen of the service: its log, its figures and the lives of its generations."""
