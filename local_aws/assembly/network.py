"""What functions in a VPC reach: the internet by a NAT gateway, services by VPC endpoints."""

from __future__ import annotations

from typing import Any

from local_aws.assembly.resources import Resource, Resources
from local_aws.model import Network

_EVERYWHERE = ("0.0.0.0/0", "::/0")
# Not an internet gateway: a function has no public address that could use one.
_WAYS_OUT = (
    "NatGatewayId",
    "TransitGatewayId",
    "NetworkInterfaceId",
    "InstanceId",
    "VpcPeeringConnectionId",
    "EgressOnlyInternetGatewayId",
    "CoreNetworkArn",
)


def network_of(function: Resource) -> Network | None:
    """What a function's subnets reach. None without a VPC, or with one that the assembly doesn't declare."""
    resources = function.scope.all
    subnet_ids = [str(subnet) for subnet in function.get("VpcConfig", {}).get("SubnetIds", ())]
    declared = {subnet.ref: subnet for subnet in resources.of_type("AWS::EC2::Subnet")}
    if not subnet_ids or not all(subnet in declared for subnet in subnet_ids):
        return None
    vpcs = {str(declared[subnet].get("VpcId")) for subnet in subnet_ids}
    return Network(
        internet=all(_has_way_out(subnet, resources) for subnet in subnet_ids),
        endpoints=frozenset(
            _service(endpoint.get("ServiceName"))
            for endpoint in resources.of_type("AWS::EC2::VPCEndpoint")
            if str(endpoint.get("VpcId")) in vpcs
        ),
    )


def _has_way_out(subnet_id: str, resources: Resources) -> bool:
    tables = {
        str(association.get("RouteTableId"))
        for association in resources.of_type("AWS::EC2::SubnetRouteTableAssociation")
        if str(association.get("SubnetId")) == subnet_id
    }
    return any(
        str(route.get("RouteTableId")) in tables
        and (route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")) in _EVERYWHERE
        and any(route.get(way) is not None for way in _WAYS_OUT)
        for route in resources.of_type("AWS::EC2::Route")
    )


def _service(name: Any) -> str:
    """`sqs` of com.amazonaws.us-east-1.sqs."""
    return str(name).rpartition(".")[2]
