"""SQS queues: the queues themselves without I/O, their journal, the SQS protocol, event source mappings."""
