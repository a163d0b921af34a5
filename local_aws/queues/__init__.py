"""Standard SQS queues: the queue itself without I/O, its journal, the SQS protocol, event source mappings."""
