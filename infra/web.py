"""One address for everything: a distribution over the site's bucket and both APIs."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment
from constructs import Construct, IDependable

from infra.api import STAGE
from infra.configuration import Configuration, Domain
from infra.paths import CLIENT, DJANGO_STATIC

GATEWAY_SECRET_HEADER = "X-Ws-Gateway-Secret"  # noqa: S105 - a header's name
DJANGO_PATHS = ("/api/*", "/accounts/*", "/admin*")  # not /admin/*: /admin must reach Django too

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",  # of a page on https: wss to the same host is included
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


class Web(Construct):
    """The bucket of the site and the distribution. Files come later, with `publish`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: Configuration,
        websocket_host: str,
        http_host: str,
        gateway_secret: str,
        firewall_arn: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._scheme = configuration.scheme
        self._domain = configuration.domain
        logs = _edge_logs(self, configuration)
        self.bucket = s3.Bucket(
            self,
            "Site",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            server_access_logs_bucket=logs,
            server_access_logs_prefix="site/",
            # What is in it can be built again, but only an empty bucket can be deleted, so it stays.
            removal_policy=RemovalPolicy.RETAIN,
        )
        site = cloudfront.BehaviorOptions(
            origin=origins.S3BucketOrigin.with_origin_access_control(self.bucket),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
            response_headers_policy=_security_headers(self, configuration),
        )
        proof = {GATEWAY_SECRET_HEADER: gateway_secret}
        django = _to_api(http_host, proof)
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"{configuration.prefix}: chat",
            default_root_object="index.html",
            default_behavior=site,
            additional_behaviors={
                f"/{STAGE}": _to_api(websocket_host, proof),
                **dict.fromkeys(DJANGO_PATHS, django),
                "/static/*": site,
            },
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            enable_logging=True,
            log_bucket=logs,
            log_file_prefix="edge/",
            log_includes_cookies=False,
            web_acl_id=firewall_arn,
            **_own_address(self, self._domain),
        )
        if self._domain and self._domain.zone_id:
            _point_to(self, self._domain, self.distribution)

    @property
    def host(self) -> str:
        """The public host."""
        return self._domain.name if self._domain else self.distribution.distribution_domain_name

    @property
    def origin(self) -> str:
        """The public origin, as browsers send it."""
        return f"{self._scheme}://{self.host}"

    def publish(self, *, after: IDependable) -> None:
        """Put the built files into the bucket, `after` what must be in place before people load them.

        Nothing is deleted: pages that are open go on loading the files that they were built with.
        """
        client = deployment.Source.asset(str(CLIENT))
        assets = self._put(
            "Assets", client, "public, max-age=31536000, immutable", exclude=["*"], include=["assets/*"]
        )
        pages = self._put("Pages", client, "no-cache", exclude=["assets/*"])
        static = self._put(
            "Static", deployment.Source.asset(str(DJANGO_STATIC)), "public, max-age=3600", prefix="static/"
        )
        pages.node.add_dependency(assets, after)
        static.node.add_dependency(after)

    def _put(
        self,
        construct_id: str,
        source: deployment.ISource,
        cache_control: str,
        *,
        prefix: str | None = None,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
    ) -> deployment.BucketDeployment:
        return deployment.BucketDeployment(
            self,
            construct_id,
            sources=[source],
            destination_bucket=self.bucket,
            destination_key_prefix=prefix,
            include=include,
            exclude=exclude,
            cache_control=[deployment.CacheControl.from_string(cache_control)],
            prune=False,
            retain_on_delete=True,
            memory_limit=256,
        )


def _edge_logs(scope: Construct, configuration: Configuration) -> s3.Bucket:
    """Who asked the distribution, and the bucket behind it, for what."""
    return s3.Bucket(
        scope,
        "EdgeLogs",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        object_ownership=s3.ObjectOwnership.OBJECT_WRITER,  # CloudFront writes its logs by an ACL
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=Duration.days(configuration.edge_log_days),
                abort_incomplete_multipart_upload_after=Duration.days(1),
            )
        ],
        removal_policy=RemovalPolicy.RETAIN,
    )


def _own_address(scope: Construct, domain: Domain | None) -> dict[str, Any]:
    """What a name of one's own takes. Under CloudFront's, the version of TLS is CloudFront's choice."""
    if domain is None:
        return {}
    certificate = acm.Certificate.from_certificate_arn(scope, "Certificate", domain.certificate_arn)
    return {
        "domain_names": [domain.name],
        "certificate": certificate,
        "minimum_protocol_version": cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
    }


def _point_to(scope: Construct, domain: Domain, distribution: cloudfront.Distribution) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(
        scope, "Zone", hosted_zone_id=domain.zone_id or "", zone_name=domain.zone_name or ""
    )
    target = route53.RecordTarget.from_alias(targets.CloudFrontTarget(distribution))
    route53.ARecord(scope, "Address4", zone=zone, record_name=f"{domain.name}.", target=target)
    route53.AaaaRecord(scope, "Address6", zone=zone, record_name=f"{domain.name}.", target=target)


def _to_api(host: str, headers: dict[str, str]) -> cloudfront.BehaviorOptions:
    return cloudfront.BehaviorOptions(
        origin=origins.HttpOrigin(
            host,
            custom_headers=headers,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
            read_timeout=Duration.seconds(30),
        ),
        allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
        # API Gateway chooses the API by the Host header: the viewer's would find none.
        origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
    )


def _security_headers(scope: Construct, configuration: Configuration) -> cloudfront.ResponseHeadersPolicy:
    """For the site's files. Django sends its own, of the same strictness."""
    https_only = cloudfront.ResponseHeadersStrictTransportSecurity(
        access_control_max_age=Duration.days(365), include_subdomains=True, override=True
    )
    return cloudfront.ResponseHeadersPolicy(
        scope,
        "SecurityHeaders",
        security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
            content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                content_security_policy=CONTENT_SECURITY_POLICY, override=True
            ),
            content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
            frame_options=cloudfront.ResponseHeadersFrameOptions(
                frame_option=cloudfront.HeadersFrameOption.DENY, override=True
            ),
            referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                referrer_policy=cloudfront.HeadersReferrerPolicy.SAME_ORIGIN, override=True
            ),
            strict_transport_security=https_only if configuration.scheme == "https" else None,
        ),
        custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(
            custom_headers=[
                cloudfront.ResponseCustomHeader(header=header, value=value, override=True)
                for header, value in (
                    ("Cross-Origin-Opener-Policy", "same-origin"),
                    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
                )
            ]
        ),
    )
