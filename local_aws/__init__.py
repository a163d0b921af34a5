"""Runs a synthesised CDK assembly on one machine: gateway, functions, queues, schedules, database, edge."""
