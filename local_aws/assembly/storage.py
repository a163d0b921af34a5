"""Buckets with the files that the deployment puts into them, and databases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from local_aws.assembly.attributes import physical_name
from local_aws.assembly.code import asset_folder, with_markers
from local_aws.assembly.endpoints import Endpoints
from local_aws.assembly.resources import Resource, Resources
from local_aws.model import Bucket, BucketFiles, Database

BUCKET_DEPLOYMENT = "Custom::CDKBucketDeployment"


def buckets(resources: Resources, endpoints: Endpoints) -> tuple[Bucket, ...]:
    """The buckets, each with its deployments in the order of the template."""
    return tuple(
        Bucket(
            name=physical_name(resource),
            arn=resource.attribute("Arn"),
            listable=_is_listable(resources, physical_name(resource)),
            files=tuple(
                files
                for deployment in resources.of_type(BUCKET_DEPLOYMENT)
                if deployment.get("DestinationBucketName") == physical_name(resource)
                for files in _files(deployment, endpoints)
            ),
        )
        for resource in resources.of_type("AWS::S3::Bucket")
    )


def _is_listable(resources: Resources, bucket: str) -> bool:
    """Whether a bucket's policy lets a distribution, or everybody, list it."""
    return any(
        statement.get("Effect") == "Allow"
        and not {"s3:ListBucket", "s3:List*", "s3:*", "*"}.isdisjoint(_list(statement.get("Action")))
        for policy in resources.of_type("AWS::S3::BucketPolicy")
        if policy.get("Bucket") == bucket
        for statement in _list(policy.get("PolicyDocument", {}).get("Statement"))
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def databases(resources: Resources) -> tuple[Database, ...]:
    """The PostgreSQL instances and clusters. They share one server here."""
    return tuple(_database(resource) for resource in postgres_resources(resources))


def postgres_resources(resources: Resources) -> Iterator[Resource]:
    for resource in resources.of_type("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
        member_of_cluster = resource.get("DBClusterIdentifier") is not None and resource.type.endswith(
            "Instance"
        )
        if not member_of_cluster and "postgres" in str(resource.get("Engine", "")):
            yield resource


def _files(deployment: Resource, endpoints: Endpoints) -> Iterator[BucketFiles]:
    workspace = deployment.scope.all.site.workspace
    markers, rules = deployment.get("SourceMarkers", ()), deployment.get("SourceMarkersConfig", ())
    metadata = {name.lower(): value for name, value in deployment.get("SystemMetadata", {}).items()}
    keys = deployment.get("SourceObjectKeys", ())
    sources: Iterator[tuple[Any, Any, Any]] = zip_longest(keys, markers, rules, fillvalue={})
    for key, values, rule in sources:
        asset = deployment.scope.stack.assets.get(str(key))
        if asset is None:
            continue
        folder = asset_folder(workspace, asset)
        if values:
            escaped = rule.get("jsonEscape") in (True, "true")
            texts = {marker: endpoints.rewritten(str(value)) for marker, value in values.items()}
            folder = with_markers(workspace, folder, texts, escaped=escaped)
        yield BucketFiles(
            folder=folder,
            prefix=str(deployment.get("DestinationBucketKeyPrefix", "")).strip("/"),
            include=tuple(deployment.get("Include", ())),
            exclude=tuple(deployment.get("Exclude", ())),
            cache_control=metadata.get("cache-control"),
        )


def _database(resource: Resource) -> Database:
    every = resource.scope.all
    return Database(
        name=physical_name(resource),
        database=str(resource.get("DBName") or resource.get("DatabaseName") or "postgres"),
        host="127.0.0.1",
        port=every.site.database_port,
        master_username=str(resource.get("MasterUsername")),
        master_password=_master_password(resource),
    )


def _master_password(resource: Resource) -> str:
    if resource.get("ManageMasterUserPassword") in (True, "true"):
        import json

        from local_aws.assembly.attributes import master_secret_string

        secret: dict[str, Any] = json.loads(master_secret_string(resource))
        return str(secret["password"])
    return str(resource.get("MasterUserPassword", ""))
