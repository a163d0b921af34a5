"""The data stack: the network and the database. It outlives whatever happens to the app's stack."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from constructs import Construct

from infra.configuration import Configuration
from infra.network import Network

DATABASE = "parlor"
MASTER_USER = "parlor_master"


def user_of(function: str) -> str:
    """The database user that a function signs in as."""
    return f"parlor_{function}"


class DataStack(Stack):
    """A stack of its own, so that a failed first deployment of the app doesn't roll the database back."""

    def __init__(self, scope: Construct, construct_id: str, *, configuration: Configuration) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Parlor: network and database",
            termination_protection=configuration.protected,
        )
        self.network = Network(self, "Network", configuration=configuration)
        self.database = _database(self, self.network, configuration)


def _database(scope: Construct, network: Network, configuration: Configuration) -> rds.DatabaseInstance:
    engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_18_3)
    group = ec2.SecurityGroup(
        scope,
        "DatabaseGroup",
        vpc=network.vpc,
        description="The database: from the functions",
        allow_all_outbound=False,
    )
    network.functions_group.connections.allow_to(group, ec2.Port.tcp(5432), "Functions use the database")
    return rds.DatabaseInstance(
        scope,
        "Database",
        engine=engine,
        instance_type=ec2.InstanceType(configuration.database_instance),
        vpc=network.vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        security_groups=[group],
        multi_az=configuration.database_in_two_zones,
        database_name=DATABASE,
        credentials=rds.Credentials.from_username(MASTER_USER),
        manage_master_user_password=True,
        iam_authentication=True,
        parameters={
            "rds.force_ssl": "1",
            # Said here, not left to RDS's formula: the functions' concurrency is measured against it.
            "max_connections": str(configuration.database_connections),
        },
        storage_type=rds.StorageType.GP3,
        storage_encrypted=True,
        allocated_storage=configuration.database_storage_gib,
        max_allocated_storage=configuration.database_storage_gib * 5,
        backup_retention=Duration.days(configuration.database_backup_days),
        copy_tags_to_snapshot=True,
        auto_minor_version_upgrade=True,
        ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
        deletion_protection=configuration.protected,
        removal_policy=RemovalPolicy.RETAIN if configuration.protected else RemovalPolicy.SNAPSHOT,
    )
