"""Roles, policies and networks as CDK writes them."""

from local_aws.model import InvokePermission, Network, Statement
from tests.local_aws.assembly_files import function, read_resources

ASSUMED = {
    "Statement": [
        {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    ],
    "Version": "2012-10-17",
}
BASIC = {
    "Fn::Join": [
        "",
        ["arn:", {"Ref": "AWS::Partition"}, ":iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
    ]
}


def document(action: str, resource: object = "*", **more: object) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **more}],
    }


def role(**properties: object) -> dict[str, object]:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": ASSUMED, **properties}}


def actions(statements: tuple[Statement, ...]) -> set[str]:
    return {action for statement in statements for action in statement.actions}


def test_a_role_has_all_its_policies(tmp_path):
    assembly = read_resources(
        tmp_path,
        {
            "Role": role(
                RoleName="worker",
                ManagedPolicyArns=[BASIC, {"Ref": "Own"}, "arn:aws:iam::aws:policy/SomethingElse"],
                Policies=[{"PolicyName": "x", "PolicyDocument": document("sqs:Inline")}],
                PermissionsBoundary={"Ref": "Own"},
            ),
            "Other": role(),
            "Default": {
                "Type": "AWS::IAM::Policy",
                "Properties": {
                    "PolicyName": "p",
                    "PolicyDocument": document("sqs:Default"),
                    "Roles": [{"Ref": "Role"}],
                },
            },
            "Own": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": document("sqs:Own")},
            },
            "Attached": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": document("sqs:Attached"), "Roles": [{"Ref": "Role"}]},
            },
            "Single": {
                "Type": "AWS::IAM::RolePolicy",
                "Properties": {
                    "PolicyName": "s",
                    "PolicyDocument": document("sqs:Single"),
                    "RoleName": {"Ref": "Role"},
                },
            },
            "Fn": function(Role={"Fn::GetAtt": ["Role", "Arn"]}),
        },
    )

    [held] = [role for role in assembly.roles.values() if role.name == "worker"]
    assert actions(held.statements) == {
        "sqs:Inline", "sqs:Default", "sqs:Own", "sqs:Attached", "sqs:Single",
        "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
    }  # fmt: skip
    assert held.unknown_policies == ("arn:aws:iam::aws:policy/SomethingElse",)
    assert held.boundary is not None
    assert actions(held.boundary) == {"sqs:Own"}
    assert [function.role_arn for function in assembly.functions.values()] == [held.arn]
    assert len(assembly.roles) == 2


def test_resources_have_their_policies(tmp_path):
    everybody = {"Principal": {"AWS": "*"}, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assembly = read_resources(
        tmp_path,
        {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "QueuePolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": document("sqs:*", {"Fn::GetAtt": ["Queue", "Arn"]}, **everybody),
                },
            },
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "files"}},
            "BucketPolicy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": {"Ref": "Bucket"},
                    "PolicyDocument": document("s3:GetObject", Principal="*"),
                },
            },
        },
    )

    [queue] = assembly.queues
    assert set(assembly.resource_policies) == {queue.arn, "arn:aws:s3:::files"}
    [statement] = assembly.resource_policies[queue.arn]
    assert statement.principals == {"AWS": ("*",)}
    assert statement.conditions == {"Bool": {"aws:SecureTransport": ("false",)}}


def test_permissions_name_functions_in_every_way(tmp_path):
    def permission(function_name: object, principal: str, **more: object) -> dict[str, object]:
        properties = {
            "Action": "lambda:InvokeFunction",
            "FunctionName": function_name,
            "Principal": principal,
        }
        return {"Type": "AWS::Lambda::Permission", "Properties": properties | more}

    assembly = read_resources(
        tmp_path,
        {
            "Fn": function(FunctionName="target"),
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {"FunctionName": {"Ref": "Fn"}, "Name": "live", "FunctionVersion": "1"},
            },
            "ByArn": permission({"Fn::GetAtt": ["Fn", "Arn"]}, "a.amazonaws.com", SourceArn="arn:aws:x:::*"),
            "ByName": permission("target", "b.amazonaws.com", SourceAccount="1"),
            "ByAlias": permission({"Ref": "Alias"}, "c.amazonaws.com"),
            "ForARole": permission({"Ref": "Fn"}, "arn:aws:iam::123456789012:role/x"),
            "Url": permission({"Ref": "Fn"}, "*", Action="lambda:InvokeFunctionUrl"),
        },
    )

    arn = assembly.functions["target"].arn
    assert set(assembly.invoke_permissions) == {
        InvokePermission(function=arn, principal="a.amazonaws.com", source_arn="arn:aws:x:::*"),
        InvokePermission(function=arn, principal="b.amazonaws.com", source_account="1"),
        InvokePermission(function=arn, principal="c.amazonaws.com", qualifier="live"),
    }
    [statement] = assembly.resource_policies[arn]
    assert statement.principals == {"AWS": ("arn:aws:iam::123456789012:role/x",)}


def test_a_functions_network_reaches_what_its_routes_and_endpoints_lead_to(tmp_path):
    def subnet(table: str) -> dict[str, dict[str, object]]:
        return {
            f"{table}Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}}},
            f"{table}Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
            f"{table}Association": {
                "Type": "AWS::EC2::SubnetRouteTableAssociation",
                "Properties": {
                    "RouteTableId": {"Ref": f"{table}Table"},
                    "SubnetId": {"Ref": f"{table}Subnet"},
                },
            },
        }

    def route(table: str, **way: str) -> dict[str, object]:
        destination = {"RouteTableId": {"Ref": f"{table}Table"}, "DestinationCidrBlock": "0.0.0.0/0"}
        return {"Type": "AWS::EC2::Route", "Properties": destination | way}

    def inside(*tables: str) -> dict[str, object]:
        return function(VpcConfig={"SubnetIds": [{"Ref": f"{table}Subnet"} for table in tables]})

    assembly = read_resources(
        tmp_path,
        {
            "Vpc": {"Type": "AWS::EC2::VPC"},
            **subnet("Isolated"),
            **subnet("Public"),
            **subnet("Private"),
            "ToInternet": route("Public", GatewayId="igw-1"),
            "ToNat": route("Private", NatGatewayId="nat-1"),
            "Endpoint": {
                "Type": "AWS::EC2::VPCEndpoint",
                "Properties": {"ServiceName": "com.amazonaws.us-east-1.sqs", "VpcId": {"Ref": "Vpc"}},
            },
            "None": function(),
            "Elsewhere": function(VpcConfig={"SubnetIds": ["subnet-123"]}),
            "InIsolated": inside("Isolated"),
            "InPublic": inside("Public"),
            "InPrivate": inside("Private"),
            "InBoth": inside("Private", "Isolated"),
        },
    )

    found = {name.split("-")[1]: function.network for name, function in assembly.functions.items()}
    endpoints = frozenset({"sqs"})
    assert found == {
        "None": None,
        "Elsewhere": None,
        "InIsolated": Network(internet=False, endpoints=endpoints),
        # Functions have no public address, so that an internet gateway is no way for them.
        "InPublic": Network(internet=False, endpoints=endpoints),
        "InPrivate": Network(internet=True, endpoints=endpoints),
        "InBoth": Network(internet=False, endpoints=endpoints),
    }
    assert Network(internet=False, endpoints=endpoints).reaches("sqs")
    assert not Network(internet=False, endpoints=endpoints).reaches("execute-api")
