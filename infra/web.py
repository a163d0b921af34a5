"""One address for everything: a distribution over the site's bucket and both APIs."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment
from constructs import Construct, IDependable

from infra.api import STAGE
from infra.configuration import Configuration
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
    ) -> None:
        super().__init__(scope, construct_id)
        self._scheme = configuration.scheme
        self.bucket = s3.Bucket(
            self,
            "Site",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
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
        )

    @property
    def origin(self) -> str:
        """The public origin, as browsers send it."""
        return f"{self._scheme}://{self.distribution.distribution_domain_name}"

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
