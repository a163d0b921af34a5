"""One entry point for each Lambda function: event in, one call, answer out."""
