"""What the conformance suite talks to: WebSocket APIs whose functions do whatever their client asks for.

`cdk deploy` in this folder puts it into an account; the suite finds the rest by the output `Endpoint`.
"""

from __future__ import annotations

import os
from pathlib import Path

from aws_cdk import App, Aws, CfnOutput, Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as functions
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_apigatewayv2_authorizers import WebSocketLambdaAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import (
    WebSocketAwsIntegration,
    WebSocketLambdaIntegration,
)
from aws_cdk.aws_cloudfront_origins import HttpOrigin
from constructs import Construct

STAGE = "live"
# Shorter than the 29 s that an integration has by default, so that a test needn't wait for those.
SHORT_TIMEOUT = Duration.millis(500)


class Conformance(Stack):
    """Every API of the suite."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, description="What the WebSocket conformance suite talks to")
        self._observed = sqs.Queue(self, "Observed", retention_period=Duration.minutes(10))
        self._connections = self._function("Connections", "connections.handler")
        self._messages = self._function("Messages", "messages.handler")
        self._observed.grant_send_messages(self._connections)
        apis = {
            "main": self._main(),
            "bare": self._bare(),
            "compound": self._compound(),
            "echo": self._echo(),
            "guarded": self._guarded(),
            "impatient": self._impatient(),
            "services": self._services(),
            "stopped": self._stopped(),
            "throttled": self._throttled(),
            "unpermitted": self._unpermitted(),
        }
        distribution = self._distribution(apis["main"])
        deployment = {
            "distribution": distribution.distribution_domain_name,
            "apis": {name: api.api_id for name, api in apis.items()},
            "region": Aws.REGION,
            "stage": STAGE,
            "queue": self._observed.queue_url,
        }
        self._messages.add_environment("DEPLOYMENT", self.to_json_string(deployment))
        CfnOutput(self, "Endpoint", value=f"{apis['main'].api_endpoint}/{STAGE}")

    def _function(self, name: str, handler: str, concurrency: int | None = None) -> functions.Function:
        return functions.Function(
            self,
            name,
            runtime=functions.Runtime.PYTHON_3_13,
            handler=handler,
            code=functions.Code.from_asset(str(Path(__file__).parent / "functions")),
            timeout=Duration.seconds(20),
            memory_size=256,
            reserved_concurrent_executions=concurrency,
            environment={"OBSERVED": self._observed.queue_url},
        )

    def _api(
        self,
        name: str,
        *,
        selection: str = "$request.body.action",
        throttle: apigateway.ThrottleSettings | None = None,
    ) -> apigateway.WebSocketApi:
        api = apigateway.WebSocketApi(
            self, name, api_name=f"conformance-{name.lower()}", route_selection_expression=selection
        )
        apigateway.WebSocketStage(
            self,
            f"{name}Stage",
            web_socket_api=api,
            stage_name=STAGE,
            auto_deploy=True,
            throttle=throttle,
        )
        return api

    def _connected(self, name: str, api: apigateway.WebSocketApi, **options: object) -> None:
        for key in ("$connect", "$disconnect"):
            route_options = options if key == "$connect" else {}
            integration = WebSocketLambdaIntegration(f"{name}{key.strip('$')}", self._connections)
            api.add_route(key, integration=integration, **route_options)  # type: ignore[arg-type]

    def _runs(self, name: str, timeout: Duration | None = None) -> WebSocketLambdaIntegration:
        return WebSocketLambdaIntegration(name, self._messages, timeout=timeout)

    def _main(self) -> apigateway.WebSocketApi:
        """Everything usual: all three lifecycle routes, routes with and without an answer, a MOCK."""
        api = self._api("Main")
        self._connected("Main", api)
        api.add_route("$default", integration=self._runs("MainDefault"), return_response=True)
        for key in ("event", "ask"):
            api.add_route(key, integration=self._runs(f"Main-{key}"), return_response=True)
        api.add_route("7", integration=self._runs("MainNumber"), return_response=True)
        api.add_route("quiet", integration=self._runs("MainQuiet"))
        api.add_route(
            "impatient", integration=self._runs("MainImpatient", SHORT_TIMEOUT), return_response=True
        )
        pong = {"$default": '{"type":"pong","connection":"$context.connectionId"}'}
        self._mock_route(api, "Ping", "ping", '{"statusCode":200}', pong)
        self._mock_route(api, "QuietPing", "quiet-ping", '{"statusCode":200}', pong, is_answered=False)
        api.grant_manage_connections(self._connections)
        stage_url = f"https://{api.api_id}.execute-api.{self.region}.{self.url_suffix}/{STAGE}"
        for function in (self._connections, self._messages):
            function.add_environment("CALLBACK_URL", stage_url)
        return api

    def _distribution(self, api: apigateway.WebSocketApi) -> cloudfront.Distribution:
        """The main API behind CloudFront, at the path that its stage is named after."""
        origin = HttpOrigin(
            f"{api.api_id}.execute-api.{self.region}.{self.url_suffix}",
            custom_headers={"X-Origin-Secret": "from the distribution"},
        )
        behaviour = cloudfront.BehaviorOptions(
            origin=origin,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        )
        return cloudfront.Distribution(
            self, "Distribution", default_behavior=behaviour, additional_behaviors={f"/{STAGE}": behaviour}
        )

    def _bare(self) -> apigateway.WebSocketApi:
        """No lifecycle routes, no `$default`, a nested selection key; and a route that nothing permits."""
        api = self._api("Bare", selection="$request.body.service.do")
        api.add_route("known", integration=self._runs("BareKnown"), return_response=True)
        self._unpermitted_route(api, "Bare", "forbidden")
        return api

    def _compound(self) -> apigateway.WebSocketApi:
        """A selection expression of two parts."""
        api = self._api("Compound", selection="${request.body.a}/${request.body.b}")
        api.add_route("x/y", integration=self._runs("CompoundXY"), return_response=True)
        api.add_route("/y", integration=self._runs("CompoundY"), return_response=True)
        return api

    def _echo(self) -> apigateway.WebSocketApi:
        """What Autobahn's cases want."""
        api = self._api("Echo")
        integration = WebSocketLambdaIntegration(
            "EchoDefault", self._function("EchoFunction", "echo.handler")
        )
        api.add_route("$default", integration=integration, return_response=True)
        return api

    def _guarded(self) -> apigateway.WebSocketApi:
        """A Lambda authorizer on `$connect`."""
        authorizer = WebSocketLambdaAuthorizer(
            "Authorizer",
            self._function("AuthorizerFunction", "authorizer.handler"),
            identity_source=["route.request.querystring.token"],
        )
        api = self._api("Guarded")
        self._connected("Guarded", api, authorizer=authorizer)
        api.add_route("$default", integration=self._runs("GuardedDefault"), return_response=True)
        return api

    def _services(self) -> apigateway.WebSocketApi:
        """An AWS integration, and a MOCK whose status selects its answer."""
        role = iam.Role(self, "SendingRole", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
        self._observed.grant_send_messages(role)
        api = self._api("Services")
        queue = f"arn:aws:apigateway:{Aws.REGION}:sqs:path/{Aws.ACCOUNT_ID}/{self._observed.queue_name}"
        template = (
            "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"
            "&MessageAttribute.1.Name=connection&MessageAttribute.1.Value.DataType=String"
            "&MessageAttribute.1.Value.StringValue=$context.connectionId"
        )
        api.add_route(
            "$default",
            integration=WebSocketAwsIntegration(
                "Send",
                integration_method="POST",
                integration_uri=queue,
                credentials_role=role,
                passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
                request_parameters={
                    "integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"
                },
                request_templates={"$default": template},
                template_selection_expression="\\$default",
            ),
            return_response=True,
        )
        status = "{\"statusCode\": $input.path('$.status')}"
        answers = {"/2\\d\\d/": "fine", "/404/": "missing", "$default": "else"}
        self._mock_route(api, "Mock", "mock", status, answers)
        return api

    def _impatient(self) -> apigateway.WebSocketApi:
        """A `$connect` that may take half a second."""
        api = self._api("Impatient")
        integration = WebSocketLambdaIntegration("ImpatientConnect", self._connections, timeout=SHORT_TIMEOUT)
        api.add_route("$connect", integration=integration)
        return api

    def _stopped(self) -> apigateway.WebSocketApi:
        """Functions without any concurrency: every invocation is throttled."""
        stopped = self._function("StoppedFunction", "messages.handler", concurrency=0)
        api = self._api("Stopped")
        for key in ("$connect", "$default"):
            integration = WebSocketLambdaIntegration(f"Stopped{key.strip('$')}", stopped)
            api.add_route(key, integration=integration)
        return api

    def _throttled(self) -> apigateway.WebSocketApi:
        """A stage that takes next to nothing."""
        limits = apigateway.ThrottleSettings(rate_limit=1, burst_limit=2)
        api = self._api("Throttled", throttle=limits)
        api.add_route("$default", integration=self._runs("ThrottledDefault"), return_response=True)
        return api

    def _unpermitted(self) -> apigateway.WebSocketApi:
        """A `$connect` whose function nothing permits to invoke."""
        api = self._api("Unpermitted")
        self._unpermitted_route(api, "Unpermitted", "$connect")
        return api

    def _unpermitted_route(self, api: apigateway.WebSocketApi, name: str, key: str) -> None:
        # The constructs for routes would add the permission.
        integration = apigateway.CfnIntegration(
            self,
            f"{name}UnpermittedIntegration",
            api_id=api.api_id,
            integration_type="AWS_PROXY",
            integration_uri=(
                f"arn:aws:apigateway:{Aws.REGION}:lambda:path/2015-03-31/functions/"
                f"{self._unpermitted_function().function_arn}/invocations"
            ),
        )
        apigateway.CfnRoute(
            self,
            f"{name}UnpermittedRoute",
            api_id=api.api_id,
            route_key=key,
            target=f"integrations/{integration.ref}",
        )

    def _unpermitted_function(self) -> functions.IFunction:
        existing = self.node.try_find_child("UnpermittedFunction")
        return existing or self._function("UnpermittedFunction", "messages.handler")  # type: ignore[return-value]

    def _mock_route(
        self,
        api: apigateway.WebSocketApi,
        name: str,
        key: str,
        request: str,
        answers: dict[str, str],
        *,
        is_answered: bool = True,
    ) -> None:
        """A MOCK route, all of it made of resources: integration responses have no construct."""
        integration = apigateway.CfnIntegration(
            self,
            f"{name}Integration",
            api_id=api.api_id,
            integration_type="MOCK",
            request_templates={"$default": request},
            template_selection_expression="\\$default",
        )
        for number, (response_key, answer) in enumerate(answers.items()):
            apigateway.CfnIntegrationResponse(
                self,
                f"{name}Answer{number}",
                api_id=api.api_id,
                integration_id=integration.ref,
                integration_response_key=response_key,
                response_templates={"$default": answer},
                template_selection_expression="\\$default",
            )
        route = apigateway.CfnRoute(
            self,
            f"{name}Route",
            api_id=api.api_id,
            route_key=key,
            target=f"integrations/{integration.ref}",
            route_response_selection_expression="$default" if is_answered else None,
        )
        if is_answered:
            apigateway.CfnRouteResponse(
                self,
                f"{name}RouteResponse",
                api_id=api.api_id,
                route_id=route.ref,
                route_response_key="$default",
            )


def _app() -> App:
    app = App(outdir=os.environ.get("CDK_OUTDIR"))
    Conformance(app, "conformance")
    return app


if __name__ == "__main__":
    _app().synth()
