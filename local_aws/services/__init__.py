"""DynamoDB, S3, SNS, SSM and Secrets Manager, by moto in a process of its own.

`service` is this side of it, with what travels from there to functions and queues (`deliveries`, `streams`);
`server` is the other side: it makes what the template declares (`creation`), tells what leaves the services
(`taps`), and keeps their data over a restart (`state`). Only that side imports moto and boto3.
"""

from local_aws.services.deliveries import Deliveries
from local_aws.services.service import Services

__all__ = ["Deliveries", "Services"]
