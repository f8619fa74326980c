"""What becomes of one task, whatever AWS answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from collector.aws.api_error import NOT_SWITCHED_ON, ApiError
from collector.collect import collect
from collector.errors import CallNotAllowedError
from collector.plan import Task
from collector.record import Gap, Record
from tests.scripted.scripted import HERE, ScriptedGateway, collected, denied, failing, family, gaps, read

TOPICS = """
[topic]
type = "AWS::SNS::Topic"
arn  = "{TopicArn}"
name = "{arn.name}"
tags = { call = "ListTagsForResource", params = { ResourceArn = "{TopicArn}" }, take = "Tags" }
list = { call = "ListTopics", take = "Topics[]" }

[topic.get.policy]
call   = "GetDataProtectionPolicy"
params = { ResourceArn = "{TopicArn}" }
absent = ["NotFound"]
why    = "For this test."
"""


def arn(name: str) -> str:
    return f"arn:aws:sns:eu-west-1:111122223333:{name}"


async def test_services_are_described_ten_at_a_time() -> None:
    arns = [f"arn:aws:ecs:eu-west-1:111122223333:service/c/{n}" for n in range(23)]
    gateway = ScriptedGateway(
        ListClusters={"clusterArns": ["arn:aws:ecs:eu-west-1:111122223333:cluster/c"]},
        DescribeClusters={"clusters": [{"clusterArn": "arn:aws:ecs:eu-west-1:111122223333:cluster/c"}]},
        ListServices={"serviceArns": arns},
        DescribeServices=lambda params: {"services": [{"serviceArn": arn} for arn in params["services"]]},
    )

    found = [record.arn async for record in collected("ecs", "service", gateway)]

    assert found == arns
    assert gateway.sizes("DescribeServices", "services") == [10, 10, 3]


async def test_a_page_of_any_size_is_written_a_hundred_records_at_a_time() -> None:
    """A million items on one page are a million small values, but never a million records at once."""
    plain = '[topic]\ntype = "AWS::SNS::Topic"\narn = "{TopicArn}"\nlist = { call = "ListTopics", take = "Topics[]" }\n'
    gateway = ScriptedGateway(ListTopics={"Topics": [{"TopicArn": arn(str(n))} for n in range(350)]})
    sizes: list[int] = []

    async def emit(records: Sequence[Record]) -> None:
        sizes.append(len(records))

    (coverage,) = await collect(Task(family("sns", "topic", plain), HERE), gateway, emit)

    assert sizes == [100, 100, 100, 50, 1]
    assert coverage.resources == 350


async def test_a_parent_that_is_only_on_the_way_is_not_written() -> None:
    gateway = ScriptedGateway(
        ListClusters={"clusterArns": ["arn:aws:ecs:eu-west-1:111122223333:cluster/c"]},
        DescribeClusters={"clusters": [{"clusterArn": "arn:aws:ecs:eu-west-1:111122223333:cluster/c"}]},
        ListServices={"serviceArns": []},
    )

    resources, coverage = await read(family("ecs", "service"), gateway)

    assert resources == []
    assert [record.resource_type for record in coverage] == ["AWS::ECS::Service"]
    assert coverage[0].complete


async def test_a_child_names_its_parent() -> None:
    cluster = "arn:aws:ecs:eu-west-1:111122223333:cluster/c"
    gateway = ScriptedGateway(
        ListClusters={"clusterArns": [cluster]},
        DescribeClusters={"clusters": [{"clusterArn": cluster}]},
        ListServices={"serviceArns": ["arn:aws:ecs:eu-west-1:111122223333:service/c/web"]},
        DescribeServices=lambda params: {"services": [{"serviceArn": arn} for arn in params["services"]]},
    )

    (record,) = [record async for record in collected("ecs", "service", gateway)]

    assert record.parent_arn == cluster
    assert gateway.params("ListServices")[0]["cluster"] == cluster


async def test_tags_of_a_batch_are_joined_by_arn_and_never_by_position() -> None:
    balancers = [f"arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/{n}/1" for n in range(3)]
    described = {"TagDescriptions": [{"ResourceArn": arn, "Tags": [{"Key": "n", "Value": arn[-3]}]} for arn in reversed(balancers)]}
    gateway = ScriptedGateway(
        DescribeLoadBalancers={"LoadBalancers": [{"LoadBalancerArn": arn, "LoadBalancerName": "b"} for arn in balancers]},
        DescribeTags=described,
        DescribeLoadBalancerAttributes={"Attributes": []},
        DescribeListeners={"Listeners": []},
    )
    gateway.answers |= {"GetWebACLForResource": {}, "DescribeCapacityReservation": {}, "DescribeCapacityReservations": {}}

    found = [(record.arn, record.tags) async for record in collected("elbv2", "load_balancer", gateway)]

    assert found == [(arn, {"n": arn[-3]}) for arn in balancers]


async def test_denied_list_leaves_the_task_incomplete() -> None:
    resources, coverage = await read(family("sns", "topic", TOPICS), ScriptedGateway(ListTopics=denied(reason="scp")))

    assert resources == []
    assert not coverage[0].complete
    assert coverage[0].gaps == (Gap(action="sns:ListTopics", code="AccessDenied", kind="denied", reason="scp"),)


async def test_a_page_that_fails_keeps_the_pages_before_it_and_says_that_there_is_more() -> None:
    gateway = ScriptedGateway(
        ListTopics=[{"Topics": [{"TopicArn": arn("a")}], "NextToken": "2"}, failing("InternalError")],
        ListTagsForResource={"Tags": []},
        GetDataProtectionPolicy=failing("NotFound"),
    )

    resources, coverage = await read(family("sns", "topic", TOPICS), gateway)

    assert [record.arn for record in resources] == [arn("a")]
    assert (coverage[0].resources, coverage[0].complete) == (1, False)


async def test_refused_tags_are_null_and_the_listing_stays_complete() -> None:
    gateway = ScriptedGateway(
        ListTopics={"Topics": [{"TopicArn": arn("a")}, {"TopicArn": arn("b")}]},
        ListTagsForResource=denied(),
        GetDataProtectionPolicy={"DataProtectionPolicy": "{}"},
    )

    resources, coverage = await read(family("sns", "topic", TOPICS), gateway)

    assert [record.tags for record in resources] == [None, None]
    assert coverage[0].complete
    assert gaps(coverage) == [("denied", "AccessDenied", "sns:ListTagsForResource")]
    assert coverage[0].gaps[0].count == 2


async def test_no_tags_are_an_empty_map() -> None:
    gateway = ScriptedGateway(
        ListTopics={"Topics": [{"TopicArn": arn("a")}]}, ListTagsForResource={"Tags": []}, GetDataProtectionPolicy=failing("NotFound")
    )

    (record,) = [record async for record in collected("sns", "topic", gateway, TOPICS)]

    assert record.tags == {}


async def test_not_configured_is_null_and_refused_is_missing_with_a_gap() -> None:
    answers = {arn("a"): failing("NotFound"), arn("b"): denied(), arn("c"): {"DataProtectionPolicy": "{}"}}
    gateway = ScriptedGateway(
        ListTopics={"Topics": [{"TopicArn": each} for each in answers]},
        ListTagsForResource={"Tags": []},
        GetDataProtectionPolicy=lambda params: answers[params["ResourceArn"]],
    )

    resources, coverage = await read(family("sns", "topic", TOPICS), gateway)

    assert [record.supplementary for record in resources] == [{"policy": None}, {}, {"policy": {"DataProtectionPolicy": "{}"}}]
    assert [(gap.code, gap.arn) for gap in coverage[0].gaps] == [("AccessDenied", arn("b"))]
    assert coverage[0].complete


async def test_a_service_that_is_not_switched_on_is_covered_and_has_nothing() -> None:
    resources, coverage = await read(family("securityhub", "hub"), ScriptedGateway(DescribeHub=failing("InvalidAccessException")))

    assert resources == []
    assert coverage[0].complete
    assert coverage[0].gaps == ()


async def test_what_went_away_between_list_and_describe_is_no_gap() -> None:
    spec = """
[table]
type = "AWS::DynamoDB::Table"
arn  = "{TableArn}"
list = { call = "ListTables", take = "TableNames[]" }
describe = { call = "DescribeTable", params = { TableName = "{item}" }, take = "Table", absent = ["ResourceNotFoundException"] }
"""
    tables = {
        "gone": failing("ResourceNotFoundException"),
        "here": {"Table": {"TableArn": "arn:aws:dynamodb:eu-west-1:111122223333:table/here"}},
    }
    gateway = ScriptedGateway(ListTables={"TableNames": list(tables)}, DescribeTable=lambda params: tables[params["TableName"]])

    resources, coverage = await read(family("dynamodb", "table", spec), gateway)

    assert [record.arn for record in resources] == ["arn:aws:dynamodb:eu-west-1:111122223333:table/here"]
    assert coverage[0].complete
    assert coverage[0].gaps == ()


async def test_a_refused_description_leaves_the_listing_incomplete() -> None:
    spec = """
[table]
type = "AWS::DynamoDB::Table"
arn  = "{TableArn}"
list = { call = "ListTables", take = "TableNames[]" }
describe = { call = "DescribeTable", params = { TableName = "{item}" }, take = "Table" }
"""
    gateway = ScriptedGateway(ListTables={"TableNames": ["a"]}, DescribeTable=denied())

    resources, coverage = await read(family("dynamodb", "table", spec), gateway)

    assert resources == []
    assert not coverage[0].complete
    assert coverage[0].gaps[0].arn == "a"


async def test_failures_inside_a_batch_are_gaps_unless_the_item_went_away() -> None:
    cluster = "arn:aws:ecs:eu-west-1:111122223333:cluster/c"
    spec = """
[cluster]
type = "AWS::ECS::Cluster"
arn  = "{clusterArn}"
list = { call = "ListClusters", take = "clusterArns[]" }
[cluster.describe]
call     = "DescribeClusters"
params   = { clusters = "{batch}" }
batch    = 100
take     = "clusters[]"
failures = "failures[]"
absent   = ["MISSING"]
"""
    gateway = ScriptedGateway(
        ListClusters={"clusterArns": [cluster, "gone", "odd"]},
        DescribeClusters={
            "clusters": [{"clusterArn": cluster}],
            "failures": [{"arn": "gone", "reason": "MISSING"}, {"arn": "odd", "reason": "ACCESS_DENIED"}],
        },
    )

    resources, coverage = await read(family("ecs", "cluster", spec), gateway)

    assert [record.arn for record in resources] == [cluster]
    assert not coverage[0].complete
    assert [(gap.code, gap.arn) for gap in coverage[0].gaps] == [("ACCESS_DENIED", "odd")]


def unless_gone(members: str, answer: Callable[[Any], Mapping[str, Any]]) -> Callable[[Mapping[str, Any]], Mapping[str, Any] | ApiError]:
    """An operation that fails as a whole when one of *members* went away, and says nothing of the others."""
    return lambda params: failing("NotFound") if "gone" in params[members] else answer(params[members])


BALANCERS = """
[load_balancer]
type = "AWS::ElasticLoadBalancing::LoadBalancer"
id   = "{LoadBalancerName}"
list = { call = "DescribeLoadBalancers", take = "LoadBalancerDescriptions[]" }
[load_balancer.tags]
call   = "DescribeTags"
params = { LoadBalancerNames = "{batch}" }
batch  = 20
of     = "{LoadBalancerName}"
take   = "TagDescriptions[].{key: LoadBalancerName, value: Tags}"
absent = ["NotFound"]
"""


async def test_one_that_went_away_leaves_the_others_of_its_batch_described() -> None:
    spec = """
[environment]
type = "AWS::Cloud9::EnvironmentEC2"
id   = "{id}"
list = { call = "ListEnvironments", take = "environmentIds[]" }
[environment.describe]
call   = "DescribeEnvironments"
params = { environmentIds = "{batch}" }
batch  = 25
take   = "environments[]"
absent = ["NotFound"]
"""
    gateway = ScriptedGateway(
        ListEnvironments={"environmentIds": ["a", "gone", "b"]},
        DescribeEnvironments=unless_gone("environmentIds", lambda ids: {"environments": [{"id": id} for id in ids]}),
    )

    resources, coverage = await read(family("cloud9", "environment", spec), gateway)

    assert [record.resource_id for record in resources] == ["a", "b"]
    assert (coverage[0].complete, coverage[0].gaps) == (True, ())
    assert gateway.sizes("DescribeEnvironments", "environmentIds") == [3, 1, 1, 1]


async def test_one_that_went_away_leaves_the_others_of_its_batch_their_tags() -> None:
    names = ["a", "gone", "b"]
    gateway = ScriptedGateway(
        DescribeLoadBalancers={"LoadBalancerDescriptions": [{"LoadBalancerName": name} for name in names]},
        DescribeTags=unless_gone(
            "LoadBalancerNames",
            lambda names: {"TagDescriptions": [{"LoadBalancerName": name, "Tags": [{"Key": "n", "Value": name}]} for name in names]},
        ),
    )

    resources, coverage = await read(family("elb", "load_balancer", BALANCERS), gateway)

    assert [record.tags for record in resources] == [{"n": "a"}, {}, {"n": "b"}]
    assert coverage[0].gaps == ()


async def test_a_batch_of_tags_that_is_refused_is_one_gap_and_not_asked_again() -> None:
    gateway = ScriptedGateway(
        DescribeLoadBalancers={"LoadBalancerDescriptions": [{"LoadBalancerName": name} for name in "abc"]}, DescribeTags=denied()
    )

    resources, coverage = await read(family("elb", "load_balancer", BALANCERS), gateway)

    assert [record.tags for record in resources] == [None, None, None]
    assert [gap.count for gap in coverage[0].gaps] == [3]
    assert gateway.sizes("DescribeTags", "LoadBalancerNames") == [3]


async def test_a_service_that_nobody_switched_on_is_covered_with_all_that_would_lie_under_it() -> None:
    resources, coverage = await read(family("macie2", "session"), ScriptedGateway(GetMacieSession=ApiError("unavailable", NOT_SWITCHED_ON)))

    assert resources == []
    assert [(each.complete, each.gaps) for each in coverage] == [(True, ())] * len(coverage)


async def test_a_refused_parent_leaves_its_children_incomplete_too() -> None:
    of = family("ecs", "service")
    resources, coverage = await read(of, ScriptedGateway(ListClusters=denied()))

    assert resources == []
    assert [(record.resource_type, record.complete) for record in coverage] == [("AWS::ECS::Service", False)]
    assert gaps(coverage) == [("denied", "AccessDenied", "ecs:ListClusters")]


async def test_a_task_that_cannot_be_done_makes_no_call_and_covers_every_type() -> None:
    gap = Gap(action="sts:AssumeRole", code="AccessDenied", kind="denied", reason="iam")
    gateway = ScriptedGateway()

    resources, coverage = await read(family("sns", "topic", TOPICS), gateway, gap=gap)

    assert resources == []
    assert gateway.asked == []
    assert [(record.complete, record.gaps) for record in coverage] == [(False, (gap,))]


BUCKETS = """
scope = "global"

[bucket]
type   = "AWS::S3::Bucket"
arn    = "arn:{partition}:s3:::{Name}"
region = "{BucketRegion}"
list   = { call = "ListBuckets", params = { MaxBuckets = 1000 }, take = "Buckets[]", action = "s3:ListAllMyBuckets" }

[bucket.get.versioning]
call   = "GetBucketVersioning"
params = { Bucket = "{Name}" }
why    = "For this test."
"""


async def test_a_bucket_is_asked_in_its_own_region() -> None:
    gateway = ScriptedGateway(
        ListBuckets={"Buckets": [{"Name": "a", "BucketRegion": "eu-west-1"}, {"Name": "b", "BucketRegion": "ap-southeast-2"}]},
        GetBucketVersioning={"Status": "Enabled"},
    )

    found = [(record.region, record.arn) async for record in collected("s3", "bucket", gateway, BUCKETS)]

    assert found == [("eu-west-1", "arn:aws:s3:::a"), ("ap-southeast-2", "arn:aws:s3:::b")]
    assert sorted(target.region for target in gateway.targets("GetBucketVersioning")) == ["ap-southeast-2", "eu-west-1"]


async def test_a_bucket_without_a_region_is_a_gap_and_never_a_guess() -> None:
    gateway = ScriptedGateway(ListBuckets={"Buckets": [{"Name": "a"}]}, GetBucketVersioning={"Status": "Enabled"})

    resources, coverage = await read(family("s3", "bucket", BUCKETS), gateway)

    assert resources == []
    assert not coverage[0].complete
    assert gaps(coverage) == [("failed", "NoRegion", "s3:ListAllMyBuckets")]
    assert gateway.operations() == ["ListBuckets"]


async def test_what_has_no_region_is_global() -> None:
    gateway = ScriptedGateway(
        ListRoles={"Roles": [{"RoleName": "r", "RoleId": "AROA", "Arn": "arn:aws:iam::111122223333:role/r", "Path": "/"}]}
    )
    spec = """
scope = "global"
[role]
type = "AWS::IAM::Role"
arn  = "{Arn}"
list = { call = "ListRoles", take = "Roles[]" }
"""

    resources, coverage = await read(family("iam", "role", spec), gateway)

    assert [record.region for record in resources] == ["global"]
    assert [record.region for record in coverage] == [HERE.region]


async def test_each_value_of_over_is_asked_and_known() -> None:
    spec = """
[acl]
type = "AWS::WAFv2::WebACL"
arn  = "{ARN}"
name = "{over.Scope}"
[acl.list]
call = "ListWebACLs"
over = { Scope = ["REGIONAL", "CLOUDFRONT"] }
take = "WebACLs[]"
page = { input = "NextMarker", output = "NextMarker" }
"""
    gateway = ScriptedGateway(ListWebACLs=lambda params: {"WebACLs": [{"ARN": f"arn:aws:wafv2:x:1:{params['Scope']}"}]})

    found = [record.name async for record in collected("wafv2", "acl", gateway, spec)]

    assert found == ["REGIONAL", "CLOUDFRONT"]


async def test_an_instance_was_created_when_it_was_first_launched_not_last_started() -> None:
    def attached(index: int, when: str) -> dict[str, Any]:
        return {"Attachment": {"DeviceIndex": index, "AttachTime": when}}

    started = "2026-03-01T00:00:00Z"
    instances = [
        {
            "InstanceId": "i-1",
            "LaunchTime": started,
            "NetworkInterfaces": [attached(1, "2026-02-01T00:00:00Z"), attached(0, "2026-01-01T00:00:00Z")],
        },
        {"InstanceId": "i-2", "LaunchTime": started, "NetworkInterfaces": []},  # terminated: its interface is gone
    ]
    gateway = ScriptedGateway(DescribeInstances={"Reservations": [{"Instances": instances}]}, DescribeInstanceAttribute={})

    created = [record.created_at async for record in collected("ec2", "instance", gateway)]

    assert created == ["2026-01-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"]


async def test_a_question_about_nothing_is_not_asked() -> None:
    spec = """
[volume]
type = "AWS::EC2::Volume"
id   = "{VolumeId}"
list = { call = "DescribeVolumes", take = "Volumes[]" }
[volume.get.key]
call   = "DescribeVolumeStatus"
params = { VolumeIds = ["{KmsKeyId}"] }
"""
    gateway = ScriptedGateway(DescribeVolumes={"Volumes": [{"VolumeId": "vol-1"}]})
    spec = spec.replace('["{KmsKeyId}"]', '"{KmsKeyId}"')

    (record,) = [record async for record in collected("ec2", "volume", gateway, spec)]

    assert record.supplementary == {"key": None}
    assert gateway.operations() == ["DescribeVolumes"]


async def test_an_item_without_identity_is_a_gap() -> None:
    spec = '[volume]\ntype = "AWS::EC2::Volume"\nid = "{VolumeId}"\nlist = { call = "DescribeVolumes", take = "Volumes[]" }\n'

    resources, coverage = await read(family("ec2", "volume", spec), ScriptedGateway(DescribeVolumes={"Volumes": [{}]}))

    assert resources == []
    assert not coverage[0].complete
    assert gaps(coverage) == [("failed", "NoIdentity", "ec2:DescribeVolumes")]


async def test_further_answers_of_several_pages_are_joined() -> None:
    spec = """
scope = "global"
[role]
type = "AWS::IAM::Role"
arn  = "{Arn}"
list = { call = "ListRoles", take = "Roles[]" }
[role.get.attached]
call   = "ListAttachedRolePolicies"
params = { RoleName = "{RoleName}" }
take   = "AttachedPolicies[].PolicyArn"
"""
    gateway = ScriptedGateway(
        ListRoles={"Roles": [{"RoleName": "r", "Arn": "arn:aws:iam::1:role/r"}]},
        ListAttachedRolePolicies=[
            {"AttachedPolicies": [{"PolicyArn": "a"}, {"PolicyArn": "b"}], "IsTruncated": True, "Marker": "m"},
            {"AttachedPolicies": [{"PolicyArn": "c"}], "IsTruncated": False},
        ],
    )

    (record,) = [record async for record in collected("iam", "role", gateway, spec)]

    assert record.supplementary == {"attached": ["a", "b", "c"]}


async def test_secrets_are_gone_before_anything_else_sees_the_item() -> None:
    gateway = ScriptedGateway(
        ListFunctions={
            "Functions": [
                {
                    "FunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:f",
                    "FunctionName": "f",
                    "Environment": {"Variables": {"DB_PASSWORD": "hunter2"}},
                }
            ]
        },
    )
    spec = """
[function]
type = "AWS::Lambda::Function"
arn  = "{FunctionArn}"
name = "{Environment.Variables.DB_PASSWORD}"
list = { call = "ListFunctions", take = "Functions[]", redact = ["Environment.Variables.*"] }
"""

    (record,) = [record async for record in collected("lambda", "function", gateway, spec)]

    assert record.name == "<redacted>"
    assert record.configuration["Environment"] == {"Variables": {"DB_PASSWORD": "<redacted>"}}


async def test_our_own_mistake_is_no_gap() -> None:
    def not_allowed(_: object) -> None:
        raise CallNotAllowedError("for this test")

    with pytest.raises(CallNotAllowedError):
        await read(family("sns", "topic", TOPICS), ScriptedGateway(ListTopics=not_allowed))
