"""The network: subnets without a route to the internet, and the one way out of them, to SQS."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.configuration import Configuration


class Network(Construct):
    """Where the functions that hold data run. No NAT gateway: what must reach the internet runs elsewhere."""

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration) -> None:
        super().__init__(scope, construct_id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24
                )
            ],
            restrict_default_security_group=False,  # a custom resource, for a group that nothing uses
        )
        # One group for all functions: a group each would tie the database to them and make a cycle with the
        # migration that must run before them.
        self.functions_group = ec2.SecurityGroup(
            self,
            "FunctionsGroup",
            vpc=self.vpc,
            description="Functions: to the database and the queues, nowhere else",
            allow_all_outbound=False,
        )
        endpoint_group = ec2.SecurityGroup(
            self,
            "QueueEndpointGroup",
            vpc=self.vpc,
            description="The SQS endpoint: from the functions",
            allow_all_outbound=False,
        )
        self.functions_group.connections.allow_to(
            endpoint_group, ec2.Port.tcp(443), "Functions queue deliveries"
        )
        subnets = self.vpc.isolated_subnets
        endpoint = self.vpc.add_interface_endpoint(
            "QueueEndpoint",
            service=ec2.InterfaceVpcEndpointAwsService.SQS,
            private_dns_enabled=True,
            open=False,
            security_groups=[endpoint_group],
            subnets=ec2.SubnetSelection(
                subnets=subnets if configuration.queue_endpoint_in_two_zones else subnets[:1]
            ),
        )
        endpoint.add_to_policy(
            iam.PolicyStatement(
                # Whoever's network it is: nobody takes data out through it to queues of another account.
                principals=[iam.AnyPrincipal()],
                conditions={"StringEquals": {"aws:PrincipalAccount": Stack.of(self).account}},
                actions=["sqs:SendMessage"],
                resources=[
                    Stack.of(self).format_arn(
                        service="sqs",
                        resource=f"{configuration.prefix}-*",
                        arn_format=ArnFormat.NO_RESOURCE_NAME,
                    )
                ],
            )
        )
