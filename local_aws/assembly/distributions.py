"""CloudFront distributions: behaviours, their origins, and the headers that policies add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local_aws.assembly.attributes import api_host, api_id, physical_name
from local_aws.assembly.resources import Resource, Resources
from local_aws.model import Behaviour, Distribution, ErrorPage, Origin

_ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
# Headers that replace the origin's, and those for where it sends none.
_Headers = tuple[Mapping[str, str], Mapping[str, str]]
_SECURITY: _Headers = (
    {"X-Content-Type-Options": "nosniff"},
    {
        "X-XSS-Protection": "1; mode=block",
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Strict-Transport-Security": "max-age=31536000",
    },
)
_ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
_MANAGED_RESPONSE_HEADERS: Mapping[str, _Headers] = {
    "67f7725c-6f97-4210-82d7-5512b31e9d03": _SECURITY,
    "60669652-455b-4ae9-85a4-c4c02393f86c": ({}, _ANY_ORIGIN),
    "5cc3b908-e619-4b99-88e5-2cf7f45965bd": ({}, _ANY_ORIGIN),
    "e61eb60c-9c35-4d20-a928-2b84e02af89c": (_SECURITY[0], {**_ANY_ORIGIN, **_SECURITY[1]}),
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63": (_SECURITY[0], {**_ANY_ORIGIN, **_SECURITY[1]}),
}
# The managed cache policies whose cache key doesn't have the encoding: with these nothing is compressed.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
_WITHOUT_ENCODING = frozenset(
    {"4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "b2884449-e4de-46a7-ac36-70bc7f1ddd6d"}
)


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
        error_pages={
            int(given["ErrorCode"]): ErrorPage(
                path=given.get("ResponsePagePath") or None,
                status=int(given["ResponseCode"]) if given.get("ResponseCode") else None,
            )
            for given in configuration.get("CustomErrorResponses", ())
        },
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
    policy = _policy(resources, "ResponseHeadersPolicy", given.get("ResponseHeadersPolicyId"))
    replacing, defaults = _response_headers(policy, given.get("ResponseHeadersPolicyId"))
    removed = policy.get("RemoveHeadersConfig", {}).get("Items", ())
    return Behaviour(
        pattern=given["PathPattern"],
        origin=origin,
        allowed_methods=frozenset(given.get("AllowedMethods", ("GET", "HEAD"))),
        response_headers=replacing,
        default_headers=defaults,
        removed_headers=tuple(item["Header"] for item in removed),
        forwards_host=_forwards_host(resources, given.get("OriginRequestPolicyId")),
        compress=_is_true(given.get("Compress")) and _keeps_encodings(resources, given.get("CachePolicyId")),
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


def _policy(resources: Resources, kind: str, policy_id: str | None) -> Mapping[str, Any]:
    """The configuration of a policy that the assembly declares; empty for any other."""
    for policy in resources.of_type(f"AWS::CloudFront::{kind}"):
        if policy.ref == policy_id:
            configuration: Mapping[str, Any] = policy.get(f"{kind}Config", {})
            return configuration
    return {}


def _keeps_encodings(resources: Resources, cache_policy_id: str | None) -> bool:
    """Whether a cache policy lets the distribution compress."""
    if cache_policy_id in _WITHOUT_ENCODING:
        return False
    configuration = _policy(resources, "CachePolicy", cache_policy_id)
    key = configuration.get("ParametersInCacheKeyAndForwardedToOrigin")
    return key is None or _is_true(key.get("EnableAcceptEncodingGzip"))


def _response_headers(policy: Mapping[str, Any], policy_id: str | None) -> _Headers:
    if not policy:
        return _MANAGED_RESPONSE_HEADERS.get(policy_id or "", ({}, {}))
    headers = list(_policy_headers(policy))
    return (
        {name: value for name, value, replaces in headers if replaces},
        {name: value for name, value, replaces in headers if not replaces},
    )


def _policy_headers(configuration: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """The headers of a policy, and whether each replaces the origin's."""
    security = configuration.get("SecurityHeadersConfig", {})
    if policy := security.get("ContentSecurityPolicy"):
        yield "Content-Security-Policy", policy["ContentSecurityPolicy"], _is_true(policy.get("Override"))
    if "ContentTypeOptions" in security:
        override = (security["ContentTypeOptions"] or {}).get("Override", True)
        yield "X-Content-Type-Options", "nosniff", _is_true(override)
    if policy := security.get("FrameOptions"):
        yield "X-Frame-Options", policy["FrameOption"], _is_true(policy.get("Override"))
    if policy := security.get("ReferrerPolicy"):
        yield "Referrer-Policy", policy["ReferrerPolicy"], _is_true(policy.get("Override"))
    if policy := security.get("StrictTransportSecurity"):
        yield "Strict-Transport-Security", _transport_security(policy), _is_true(policy.get("Override"))
    if policy := security.get("XSSProtection"):
        protection = "1" if policy.get("Protection") else "0"
        value = protection + ("; mode=block" if policy.get("ModeBlock") else "")
        yield "X-XSS-Protection", value, _is_true(policy.get("Override"))
    for item in configuration.get("CustomHeadersConfig", {}).get("Items", ()):
        yield item["Header"], item["Value"], _is_true(item.get("Override"))


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _transport_security(policy: Mapping[str, Any]) -> str:
    value = f"max-age={policy['AccessControlMaxAgeSec']}"
    if policy.get("IncludeSubdomains"):
        value += "; includeSubDomains"
    return value + ("; preload" if policy.get("Preload") else "")
