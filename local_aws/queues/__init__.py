"""Standard SQS queues: the queue itself without I/O, its journal, the SQS protocol, and event source mappings."""
