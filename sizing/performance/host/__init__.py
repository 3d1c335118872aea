"""What a replica asks of its machine beside accelerators: processors, memory, disk, and the time of its start."""
