"""CloudFront distributions: behaviours, their origins, and the headers that policies add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local_aws.assembly.attributes import api_host, api_id, physical_name
from local_aws.assembly.resources import Resource, Resources
from local_aws.model import Behaviour, Distribution, Origin

_ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
_SECURITY_HEADERS = {
    "X-XSS-Protection": "1; mode=block",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",
}
_ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
_MANAGED_RESPONSE_HEADERS: Mapping[str, Mapping[str, str]] = {
    "67f7725c-6f97-4210-82d7-5512b31e9d03": _SECURITY_HEADERS,
    "60669652-455b-4ae9-85a4-c4c02393f86c": _ANY_ORIGIN,
    "5cc3b908-e619-4b99-88e5-2cf7f45965bd": _ANY_ORIGIN,
    "e61eb60c-9c35-4d20-a928-2b84e02af89c": _ANY_ORIGIN | _SECURITY_HEADERS,
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63": _ANY_ORIGIN | _SECURITY_HEADERS,
}


def distributions(resources: Resources) -> tuple[Distribution, ...]:
    """The distributions, with those behaviours whose origin is an API or a bucket of the assembly."""
    return tuple(_distribution(resource) for resource in resources.of_type("AWS::CloudFront::Distribution"))


def unknown_origins(resource: Resource) -> list[str]:
    """The hosts that a distribution takes from elsewhere."""
    known = _hosts(resource.scope.all)
    origins = resource.get("DistributionConfig", {}).get("Origins", ())
    return [origin["DomainName"] for origin in origins if origin["DomainName"] not in known]


def _distribution(resource: Resource) -> Distribution:
    resources = resource.scope.all
    configuration = resource.get("DistributionConfig")
    hosts = _hosts(resources)
    origins: dict[str, Origin] = {}
    for given in configuration.get("Origins", ()):
        if (target := hosts.get(given["DomainName"])) is not None:
            origins[given["Id"]] = _origin(target, given)
    given_behaviours = [
        *configuration.get("CacheBehaviors", ()),
        {"PathPattern": "*", **configuration["DefaultCacheBehavior"]},
    ]
    return Distribution(
        id=resource.ref,
        domain_name=resource.attribute("DomainName"),
        behaviours=tuple(
            _behaviour(resources, given, origins[given["TargetOriginId"]])
            for given in given_behaviours
            if given["TargetOriginId"] in origins
        ),
        default_root_object=str(configuration.get("DefaultRootObject", "")),
    )


def _hosts(resources: Resources) -> dict[str, Resource]:
    """Which resource an origin's host name stands for."""
    hosts = {}
    for api in resources.of_type("AWS::ApiGatewayV2::Api"):
        hosts[api_host(api)] = api
    for bucket in resources.of_type("AWS::S3::Bucket"):
        for attribute in ("RegionalDomainName", "DomainName"):
            hosts[bucket.attribute(attribute)] = bucket
    return hosts


def _origin(target: Resource, given: Mapping[str, Any]) -> Origin:
    is_bucket = target.type == "AWS::S3::Bucket"
    return Origin(
        kind="bucket" if is_bucket else "api",
        target=physical_name(target) if is_bucket else api_id(target),
        path=given.get("OriginPath", ""),
        custom_headers={
            header["HeaderName"]: str(header["HeaderValue"])
            for header in given.get("OriginCustomHeaders", ())
        },
    )


def _behaviour(resources: Resources, given: Mapping[str, Any], origin: Origin) -> Behaviour:
    return Behaviour(
        pattern=given["PathPattern"],
        origin=origin,
        allowed_methods=frozenset(given.get("AllowedMethods", ("GET", "HEAD"))),
        response_headers=_response_headers(resources, given.get("ResponseHeadersPolicyId")),
        forwards_host=_forwards_host(resources, given.get("OriginRequestPolicyId")),
        compress=bool(given.get("Compress", False)),
    )


def _forwards_host(resources: Resources, policy_id: str | None) -> bool:
    if policy_id is None:
        return False
    for policy in resources.of_type("AWS::CloudFront::OriginRequestPolicy"):
        if policy.ref == policy_id:
            headers = policy.get("OriginRequestPolicyConfig", {}).get("HeadersConfig", {})
            named = {name.lower() for name in headers.get("Headers", ())}
            match headers.get("HeaderBehavior"):
                case "allViewer" | "allViewerAndWhitelistCloudFront":
                    return True
                case "whitelist":
                    return "host" in named
                case "allExcept":
                    return "host" not in named
            return False
    return policy_id == _ALL_VIEWER


def _response_headers(resources: Resources, policy_id: str | None) -> Mapping[str, str]:
    if policy_id is None:
        return {}
    for policy in resources.of_type("AWS::CloudFront::ResponseHeadersPolicy"):
        if policy.ref == policy_id:
            return dict(_policy_headers(policy.get("ResponseHeadersPolicyConfig", {})))
    return _MANAGED_RESPONSE_HEADERS.get(policy_id, {})


def _policy_headers(configuration: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    security = configuration.get("SecurityHeadersConfig", {})
    if policy := security.get("ContentSecurityPolicy"):
        yield "Content-Security-Policy", policy["ContentSecurityPolicy"]
    if "ContentTypeOptions" in security:
        yield "X-Content-Type-Options", "nosniff"
    if policy := security.get("FrameOptions"):
        yield "X-Frame-Options", policy["FrameOption"]
    if policy := security.get("ReferrerPolicy"):
        yield "Referrer-Policy", policy["ReferrerPolicy"]
    if policy := security.get("StrictTransportSecurity"):
        yield "Strict-Transport-Security", _transport_security(policy)
    if policy := security.get("XSSProtection"):
        protection = "1" if policy.get("Protection") else "0"
        yield "X-XSS-Protection", protection + ("; mode=block" if policy.get("ModeBlock") else "")
    for item in configuration.get("CustomHeadersConfig", {}).get("Items", ()):
        yield item["Header"], item["Value"]


def _transport_security(policy: Mapping[str, Any]) -> str:
    value = f"max-age={policy['AccessControlMaxAgeSec']}"
    if policy.get("IncludeSubdomains"):
        value += "; includeSubDomains"
    return value + ("; preload" if policy.get("Preload") else "")
