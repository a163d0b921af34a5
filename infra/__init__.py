"""The CDK app: what `cdk deploy` puts into an account, and what the laptop runs."""
