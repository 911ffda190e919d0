"""The compute service: the API's operations, and the manager of each host."""
