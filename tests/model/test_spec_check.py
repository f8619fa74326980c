"""The offline check, rule by rule: a small spec that holds, one thing in it changed, and the one line that this must give."""

from pathlib import Path
from types import MappingProxyType

import pytest
from botocore.loaders import Loader

from collector.errors import SpecError
from collector.spec import calls
from collector.spec.api import Node, UnknownPathError, at, item_of, service_model
from collector.spec.check import check, checked_specs
from collector.spec.reader import read_spec

SNS = """
[topic]
type     = "AWS::SNS::Topic"
list     = { call = "ListTopics", take = "Topics[]" }
arn      = "{TopicArn}"
name     = "{arn.name}"
volatile = ["SubscriptionsPending"]

[topic.describe]
call   = "GetTopicAttributes"
params = { TopicArn = "{TopicArn}" }
take   = "Attributes"
why    = "Settings and counts, never messages."

[topic.tags]
call   = "ListTagsForResource"
params = { ResourceArn = "{listed.TopicArn}" }
take   = "Tags"
"""

ECS = """
[cluster]
type  = "AWS::ECS::Cluster"
list  = { call = "ListClusters", params = { maxResults = 100 }, take = "clusterArns[]" }
arn   = "{clusterArn}"
name  = "{clusterName}"
state = "{status}"
tags  = "tags"

[cluster.describe]
call     = "DescribeClusters"
params   = { clusters = "{batch}", include = ["TAGS"] }
batch    = 100
take     = "clusters[]"
failures = "failures[]"

[service]
type   = "AWS::ECS::Service"
parent = "cluster"
list   = { call = "ListServices", params = { cluster = "{parent.clusterArn}" }, take = "serviceArns[]" }
arn    = "{item}"
name   = "{parent.clusterName}/{item.name}"
"""

LAMBDA = """
[function]
type = "AWS::Lambda::Function"
arn  = "{FunctionArn}"
name = "{FunctionName}"

[function.list]
call   = "ListFunctions"
take   = "Functions[]"
redact = ["Environment.Variables.*", "Environment.Error.Message", "ImageConfigResponse.Error.Message",
          "RuntimeVersionConfig.Error.Message", "ImageConfigResponse.ImageConfig.Command", "ImageConfigResponse.ImageConfig.EntryPoint"]
"""

ROUTE53 = """
scope = "global"

[health_check]
type = "AWS::Route53::HealthCheck"
list = { call = "ListHealthChecks", take = "HealthChecks[]", redact = ["HealthCheckConfig.SearchString"] }
arn  = "arn:{partition}:route53:::healthcheck/{Id}"
name = "{tags.Name}"

[health_check.tags]
call   = "ListTagsForResources"
params = { ResourceType = "healthcheck", ResourceIds = "{batch}" }
batch  = 10
of     = "{Id}"
take   = "ResourceTagSets[].{key: ResourceId, value: Tags}"
"""

WAF = """
[ip_set]
type = "AWS::WAFv2::IPSet"
arn  = "{ARN}"

[ip_set.list]
call = "ListIPSets"
over = { Scope = ["REGIONAL", "CLOUDFRONT"] }
take = "IPSets[]"
page = { input = "NextMarker", output = "NextMarker" }

[ip_set.get.details]
call   = "GetIPSet"
params = { Name = "{Name}", Id = "{Id}", Scope = "{over.Scope}" }
take   = "IPSet"
why    = "Only here: the addresses."
"""

S3 = """
scope = "global"

[bucket]
type    = "AWS::S3::Bucket"
list    = { call = "ListBuckets", params = { MaxBuckets = 1000 }, take = "Buckets[]", action = "s3:ListAllMyBuckets" }
arn     = "arn:{partition}:s3:::{Name}"
name    = "{Name}"
created = "{CreationDate}"
region  = "{BucketRegion}"

[bucket.get.encryption]
call   = "GetBucketEncryption"
params = { Bucket = "{Name}" }
take   = "ServerSideEncryptionConfiguration"
action = "s3:GetEncryptionConfiguration"
reveal = { "Rules.ApplyServerSideEncryptionByDefault.KMSMasterKeyID" = "A key's name, not its material." }
why    = "Algorithm and key id."
"""

KINESIS = """
[stream]
type = "AWS::Kinesis::Stream"
list = { call = "ListStreams", take = "StreamSummaries[]" }
arn  = "{StreamARN}"

[stream.tags]
call   = "ListTagsForStream"
params = { StreamARN = "{StreamARN}", Limit = 50 }
take   = "Tags"
page   = { input = "ExclusiveStartTagKey", output = "Tags[-1].Key", more = "HasMoreTags" }
"""

EC2 = """
[image]
type = "AWS::EC2::Image"
ours = true
list = { call = "DescribeImages", take = "Images[]", params = { Owners = ["self"], Filters = [{ Name = "name", Values = ["x"] }] } }
arn  = "arn:{partition}:ec2:{region}::image/{ImageId}"

[instance]
type  = "AWS::EC2::Instance"
list  = { call = "DescribeInstances", params = { MaxResults = 200 }, take = "Reservations[].Instances[]" }
arn   = "arn:{partition}:ec2:{region}:{account_id}:instance/{InstanceId}"
state = "{State.Name}"
tags  = "Tags"

[volume]
type = "AWS::EC2::Volume"
list = { call = "DescribeVolumes", params = { MaxResults = 500 }, take = "Volumes[]" }
id   = "{VolumeId}"

[[volume.metrics]]
namespace  = "AWS/EBS"
dimensions = { VolumeId = "{VolumeId}" }
missing    = "unknown"
unless     = { "State == 'available'" = "It is attached to nothing." }
statistics = { BurstBalance = ["Average", "Minimum"] }
"""

AUTOSCALING = """
[launch_configuration]
type = "AWS::AutoScaling::LaunchConfiguration"
list = { call = "DescribeLaunchConfigurations", take = "LaunchConfigurations[]", redact = ["UserData"] }
arn  = "{LaunchConfigurationARN}"
"""

SPECS = MappingProxyType(
    {
        "sns": SNS,
        "ecs": ECS,
        "lambda": LAMBDA,
        "route53": ROUTE53,
        "wafv2": WAF,
        "s3": S3,
        "kinesis": KINESIS,
        "ec2": EC2,
        "autoscaling": AUTOSCALING,
    }
)
"""Small specs that hold, by service; every rule changes one thing in one of them."""


def said(service: str, text: str) -> list[str]:
    """What the check says of a file *service*.toml of this *text*, without the file's name."""
    return [line.removeprefix(f"{service}.toml ") for line in check({service: read_spec(service, text)})]


@pytest.mark.parametrize("service", SPECS)
def test_the_small_specs_hold(service: str) -> None:
    assert said(service, SPECS[service]) == []


SAY_OURS = "if the name is ours, say ours = true"
SAY_WHY = "say in why what only it returns, and that this is no secret and no customer's data"
SAY_PAGE = "say page = { input = …, output = … }"

BAD: dict[str, tuple[str, str, str, list[str]]] = {
    # what is wrong: (service, what is changed, into what, what must be said)
    "key with capitals": ("sns", "[topic", "[Topic", ["[Topic]: a resource's name is lower-case letters, digits and underscores"]),
    "type of another form": ("sns", "AWS::SNS::Topic", "SNS Topic", ['[topic]: type "SNS Topic" is not of the form AWS::Service::Thing']),
    "unknown type": (
        "sns",
        "AWS::SNS::Topic",
        "AWS::SNS::Topics",
        [f'[topic]: CloudFormation knows no type "AWS::SNS::Topics" — did you mean "AWS::SNS::Topic"?; {SAY_OURS}'],
    ),
    "ours, wrongly": (
        "ec2",
        'Image"',
        'Instance"',
        [
            '[image]: AWS::EC2::Instance is CloudFormation\'s own name: "ours" must go',
            "[instance]: AWS::EC2::Instance is specified twice, first in ec2.toml [image]",
        ],
    ),
    "ours, not said": (
        "ec2",
        "ours = true",
        "",
        [f'[image]: CloudFormation knows no type "AWS::EC2::Image" — did you mean "AWS::EC2::FpgaImage"?; {SAY_OURS}'],
    ),
    "unknown operation": (
        "sns",
        "ListTopics",
        "ListTopic",
        ['[topic.list]: sns has no operation "ListTopic" — did you mean "ListTopics"?'],
    ),
    "mutating call": (
        "sns",
        '[topic.tags]\ncall   = "ListTagsForResource"\nparams = { ResourceArn = "{listed.TopicArn}" }\ntake   = "Tags"',
        '[topic.get.it]\ncall = "DeleteTopic"\nparams = { TopicArn = "{TopicArn}" }',
        [
            "[topic.get.it]: DeleteTopic is not a Describe, List, Get or BatchGet, and not among the vetted exceptions",
            "[topic.get.it]: sns:DeleteTopic is of level Write; only List and Read are allowed",
        ],
    ),
    "Get without why": (
        "sns",
        'why    = "Settings and counts, never messages."',
        "",
        [f"[topic.describe]: GetTopicAttributes is a Get: {SAY_WHY}"],
    ),
    "Get with a blank why": (
        "sns",
        "Settings and counts, never messages.",
        " ",
        [f"[topic.describe]: GetTopicAttributes is a Get: {SAY_WHY}"],
    ),
    "required parameter missing": (
        "sns",
        'params = { ResourceArn = "{listed.TopicArn}" }',
        "",
        ['[topic.tags]: required parameter "ResourceArn" is missing'],
    ),
    "unknown parameter": ("ecs", "maxResults", "maxResult", ['[cluster.list]: no parameter "maxResult" — did you mean "maxResults"?']),
    "unknown parameter below": ("ec2", "Values = [", "Value = [", ['[image.list]: no parameter "Value" — did you mean "Values"?']),
    "parameter of the wrong kind": (
        "ecs",
        "maxResults = 100",
        'maxResults = "100"',
        ['[cluster.list]: parameter "maxResults" must be of type integer'],
    ),
    "truth for a number": (
        "ecs",
        "maxResults = 100",
        "maxResults = true",
        ['[cluster.list]: parameter "maxResults" must be of type integer'],
    ),
    "text for a list": ("ec2", 'Owners = ["self"]', 'Owners = "self"', ['[image.list]: parameter "Owners" must be of type list']),
    "number in a list of text": ("ec2", 'Owners = ["self"]', "Owners = [1]", ['[image.list]: parameter "Owners" must be of type string']),
    "text for an object": (
        "ec2",
        '[{ Name = "name", Values = ["x"] }]',
        '["state"]',
        ['[image.list]: parameter "Filters" must be of type structure'],
    ),
    "number out of range": ("kinesis", "Limit = 50", "Limit = 51", ['[stream.tags]: parameter "Limit": 51 is not within 1 to 50']),
    "unknown word": (
        "ecs",
        '["TAGS"]',
        '["TAG"]',
        [
            (
                '[cluster.describe]: parameter "include": "TAG" is none of ATTACHMENTS, CONFIGURATIONS, SETTINGS, STATISTICS, TAGS'
                ' — did you mean "TAGS"?'
            )
        ],
    ),
    "unknown word to ask in turn": (
        "wafv2",
        '"CLOUDFRONT"]',
        '"GLOBAL"]',
        ['[ip_set.list]: parameter "Scope": "GLOBAL" is none of CLOUDFRONT, REGIONAL'],
    ),
    "unknown parameter to ask in turn": (
        "wafv2",
        "over = { Scope",
        "over = { Scop",
        [
            '[ip_set.list]: required parameter "Scope" is missing',
            '[ip_set.list]: no parameter "Scop" — did you mean "Scope"?',
            '[ip_set.list]: no parameter "Scop" — did you mean "Scope"?',
            '[ip_set.get.details]: {over.Scope}: "over" names no such member',
        ],
    ),
    "not JMESPath": (
        "sns",
        'take   = "Tags"',
        'take   = "Tags[?"',
        ['[topic.tags]: take = "Tags[?": not JMESPath: Invalid jmespath expression: Incomplete expression: "Tags[?" ^'],
    ),
    "take of nothing there": (
        "sns",
        'take   = "Tags"',
        'take   = "TagList"',
        ['[topic.tags]: take = "TagList": no member "TagList" — did you mean "Tags"?'],
    ),
    "take misspelt": ("sns", "Topics[]", "Topic[]", ['[topic.list]: take = "Topic[]": no member "Topic" — did you mean "Topics"?']),
    "take without []": (
        "ec2",
        "Reservations[].Instances[]",
        "Reservations.Instances[]",
        ['[instance.list]: take = "Reservations.Instances[]": "Instances" is asked of a list; write [] before it'],
    ),
    "take of text": ("s3", "Buckets[]", "Buckets[].Name.Text", ['[bucket.list]: take = "Buckets[].Name.Text": "Text" is asked of string']),
    "take in a filter misspelt": (
        "s3",
        "Buckets[]",
        "Buckets[?Nam == 'x']",
        ['[bucket.list]: take = "Buckets[?Nam == \'x\']": no member "Nam" — did you mean "Name"?'],
    ),
    "failures misspelt": (
        "ecs",
        "failures[]",
        "failure[]",
        ['[cluster.describe]: failures = "failure[]": no member "failure" — did you mean "failures"?'],
    ),
    "marked sensitive, and shown": (
        "lambda",
        '"Environment.Variables.*", ',
        "",
        ["[function.list]: Environment.Variables is shown: AWS marks it sensitive. Redact it, or reveal it with the reason"],
    ),
    "redacted where there is nothing": (
        "lambda",
        "RuntimeVersionConfig.Error.Message",
        "RuntimeVersionConfig.Error.Messages",
        [
            '[function.list]: redact RuntimeVersionConfig.Error.Messages: no member "Messages" — did you mean "Message"?',
            "[function.list]: RuntimeVersionConfig.Error.Message is shown: AWS marks it sensitive. Redact it, or reveal it with the reason",
        ],
    ),
    "a secret by its name, and shown": (
        "lambda",
        ', "ImageConfigResponse.ImageConfig.EntryPoint"',
        "",
        [
            (
                "[function.list]: ImageConfigResponse.ImageConfig.EntryPoint is shown: commands and scripts often carry passwords."
                " Redact it, or reveal it with the reason"
            )
        ],
    ),
    "held for a secret, and shown": (
        "autoscaling",
        ', redact = ["UserData"]',
        "",
        [
            (
                "[launch_configuration.list]: UserData is shown: User data: scripts that run at start, with the passwords that they use."
                " Redact it, or reveal it with the reason"
            )
        ],
    ),
    "revealed where there is nothing": (
        "s3",
        "KMSMasterKeyID",
        "KMSKeyID",
        [
            (
                '[bucket.get.encryption]: reveal Rules.ApplyServerSideEncryptionByDefault.KMSKeyID: no member "KMSKeyID"'
                ' — did you mean "KMSMasterKeyID"?'
            ),
            (
                "[bucket.get.encryption]: Rules.ApplyServerSideEncryptionByDefault.KMSMasterKeyID is shown: AWS marks it sensitive."
                " Redact it, or reveal it with the reason"
            ),
        ],
    ),
    "wrong IAM action": (
        "s3",
        ', action = "s3:ListAllMyBuckets"',
        "",
        ['[bucket.list]: action "s3:ListBuckets": AWS asks for s3:ListAllMyBuckets'],
    ),
    "unknown IAM action": (
        "s3",
        '"s3:ListAllMyBuckets"',
        '"s3:LookAround"',
        ['[bucket.list]: action "s3:LookAround": AWS asks for s3:ListAllMyBuckets'],
    ),
    "paging without a rule": (
        "kinesis",
        'page   = { input = "ExclusiveStartTagKey", output = "Tags[-1].Key", more = "HasMoreTags" }',
        "",
        [f"[stream.tags]: ListTagsForStream pages (ExclusiveStartTagKey) but botocore has no rule for it: {SAY_PAGE}"],
    ),
    "paging by token without a rule": (
        "wafv2",
        'page = { input = "NextMarker", output = "NextMarker" }',
        "",
        [f"[ip_set.list]: ListIPSets pages (NextMarker) but botocore has no rule for it: {SAY_PAGE}"],
    ),
    "page that botocore knows": (
        "sns",
        'take = "Topics[]" }',
        'take = "Topics[]", page = { input = "NextToken", output = "NextToken" } }',
        ["[topic.list]: botocore already knows how ListTopics pages: page must go"],
    ),
    "page by no parameter": (
        "wafv2",
        'input = "NextMarker"',
        'input = "Marker"',
        ['[ip_set.list]: page.input: no parameter "Marker" — did you mean "NextMarker"?'],
    ),
    "page by no answer": (
        "wafv2",
        'output = "NextMarker"',
        'output = "Marker"',
        ['[ip_set.list]: page.output = "Marker": no member "Marker" — did you mean "NextMarker"?'],
    ),
    "more by no answer": (
        "kinesis",
        "HasMoreTags",
        "HasMore",
        ['[stream.tags]: page.more = "HasMore": no member "HasMore" — did you mean "HasMoreTags"?'],
    ),
    "unknown reference": (
        "s3",
        'Bucket = "{Name}"',
        'Bucket = "{Nam}"',
        ['[bucket.get.encryption]: {Nam}: no member "Nam" — did you mean "Name"?'],
    ),
    "reference inside a list": (
        "ec2",
        'state = "{State.Name}"',
        'state = "{Tags.Key}"',
        ["[instance]: state: {Tags.Key}: a list lies on the way; braces cannot choose among its elements"],
    ),
    "reference before anything is listed": (
        "ecs",
        "maxResults = 100",
        'nextToken = "{clusterArn}"',
        ["[cluster.list]: {clusterArn}: nothing is listed yet; known here: {partition} {account_id} {region} {parent.…}"],
    ),
    "a region's member": (
        "s3",
        'region  = "{BucketRegion}"',
        'region  = "{region.Name}"',
        ["[bucket]: region: {region.Name}: region has no members"],
    ),
    "an ARN's member": ("sns", "{arn.name}", "{arn.names}", ["[topic]: name: {arn.names}: an ARN has .name, .id and .resource"]),
    "tags where they are not known": (
        "ec2",
        'state = "{State.Name}"',
        'state = "{tags.State}"',
        ['[instance]: state: {tags.State}: no member "tags" — did you mean "Tags"?'],
    ),
    "parent of a root": ("sns", "{listed.TopicArn}", "{parent.TopicArn}", ["[topic.tags]: {parent.TopicArn}: this resource has no parent"]),
    "parent as a whole": (
        "ecs",
        'cluster = "{parent.clusterArn}"',
        'cluster = "{parent}"',
        ["[service.list]: {parent}: say which member, or {parent.item}"],
    ),
    "parent's member misspelt": (
        "ecs",
        'cluster = "{parent.clusterArn}"',
        'cluster = "{parent.clusterArns}"',
        ['[service.list]: {parent.clusterArns}: no member "clusterArns" — did you mean "clusterArn"?'],
    ),
    "parent's parent": (
        "ecs",
        'cluster = "{parent.clusterArn}"',
        'cluster = "{parent.parent.Arn}"',
        ["[service.list]: {parent.parent.Arn}: this resource has no parent"],
    ),
    "parent's words": (
        "ecs",
        'cluster = "{parent.clusterArn}"',
        'cluster = "{parent.over.Scope}"',
        ['[service.list]: {parent.over.Scope}: "over" of the parent names no such member'],
    ),
    "listed after a batch": (
        "ecs",
        'name  = "{clusterName}"',
        'name  = "{listed}"',
        ["[cluster]: name: {listed}: after a batch it is not known which listed item this was"],
    ),
    "over where nothing is": ("sns", "{listed.TopicArn}", "{over.Scope}", ['[topic.tags]: {over.Scope}: "over" names no such member']),
    "over elsewhere than in list": (
        "wafv2",
        ', Scope = "{over.Scope}" }',
        ' }\nover   = { Scope = ["REGIONAL"] }',
        ['[ip_set.get.details]: "over" is for list'],
    ),
    "batch that no parameter takes": (
        "ecs",
        'clusters = "{batch}", ',
        "",
        ['[cluster.describe]: "batch" is said but no parameter is "{batch}"'],
    ),
    "parameter of no batch": ("ecs", "batch    = 100", "", ['[cluster.describe]: "{batch}" is used but "batch" says no number']),
    "batch of a Get": (
        "wafv2",
        'take   = "IPSet"',
        'take   = "IPSet"\nbatch  = 5',
        [
            '[ip_set.get.details]: "batch" is for describe and tags',
            '[ip_set.get.details]: "batch" is said but no parameter is "{batch}"',
        ],
    ),
    "batch of tags without keys": (
        "route53",
        "[].{key: ResourceId, value: Tags}",
        "[].Tags[]",
        ["[health_check.tags]: a batch of tags is joined by value: take must give {key: …, value: …}"],
    ),
    "batch of what is not there": (
        "route53",
        'of     = "{Id}"',
        'of     = "{CheckId}"',
        ['[health_check.tags]: {CheckId}: no member "CheckId"'],
    ),
    "resources that are no pattern": (
        "s3",
        'why    = "Algorithm',
        'resources = ["arn:aws:s3:::x"]\nwhy    = "Algorithm',
        ['[bucket.get.encryption]: resources: "arn:aws:s3:::x" must be an ARN pattern that starts with "arn:*:"'],
    ),
    "ARN that is none": (
        "s3",
        "arn:{partition}:s3:::{Name}",
        "s3/{Name}",
        ['[bucket]: arn = "s3/{Name}" must start with "arn:{partition}:" or be one reference'],
    ),
    "ARN of one partition": (
        "s3",
        "arn:{partition}:s3",
        "arn:aws:s3",
        ['[bucket]: arn = "arn:aws:s3:::{Name}" must start with "arn:{partition}:" or be one reference'],
    ),
    "ARN of an unknown member": (
        "s3",
        ":::{Name}",
        ":::{BucketName}",
        ['[bucket]: arn: {BucketName}: no member "BucketName" — did you mean "BucketRegion"?'],
    ),
    "the same name for every item": (
        "s3",
        'name    = "{Name}"',
        'name    = "bucket"',
        ['[bucket]: name = "bucket" is the same for every item'],
    ),
    "half a brace": ("s3", 'name    = "{Name}"', 'name    = "{Name}{"', ['[bucket]: name = "{Name}{": a brace has no partner']),
    "an object for a name": ("ec2", "{State.Name}", "{State}", ["[instance]: state: {State} is an object, and a record's field is text"]),
    "a list for a name": ("ec2", "{State.Name}", "{Tags}", ["[instance]: state: {Tags} is a list, and a record's field is text"]),
    "filled from what is redacted": (
        "lambda",
        'redact = ["',
        'redact = ["FunctionName", "',
        ["[function]: name: {FunctionName}: ListFunctions redacts it, so nothing can be filled from it"],
    ),
    "tags of no member": ("ec2", 'tags  = "Tags"', 'tags  = "TagSet"', ['[instance]: tags: no member "TagSet" — did you mean "Tags"?']),
    "volatile that is not there": (
        "ec2",
        'tags  = "Tags"',
        'tags  = "Tags"\nvolatile = ["LastSeen"]',
        ['[instance]: volatile LastSeen: no member "LastSeen"'],
    ),
    "volatile of an answer that is not asked for": (
        "s3",
        'region  = "{BucketRegion}"',
        'region  = "{BucketRegion}"\nvolatile = ["supplementary.encryptions", "supplementary.encryption.Rules.BucketKeyEnabled"]',
        ['[bucket]: volatile supplementary.encryptions: no get is called "encryptions" — did you mean "encryption"?'],
    ),
    "volatile that is not there in a further answer": (
        "s3",
        'region  = "{BucketRegion}"',
        'region  = "{BucketRegion}"\nvolatile = ["supplementary.encryption.Rule"]',
        ['[bucket]: volatile supplementary.encryption.Rule: no member "Rule" — did you mean "Rules"?'],
    ),
    "metrics of an unknown member": (
        "ec2",
        'dimensions = { VolumeId = "{VolumeId}" }',
        'dimensions = { VolumeId = "{Id}" }',
        ['[volume.metrics]: {Id}: no member "Id"'],
    ),
    "metrics of what no record has": (
        "ec2",
        'dimensions = { VolumeId = "{VolumeId}" }',
        'dimensions = { VolumeId = "{listed.VolumeId}{each}" }',
        ["[volume.metrics]: {listed.VolumeId}: a record does not know it", '[volume.metrics]: {each}: "each" is not said'],
    ),
    "metrics of a namespace that is nearly AWS's": (
        "ec2",
        '"AWS/EBS"',
        '"AWS/EBBS"',
        ['[volume.metrics]: no namespace "AWS/EBBS" — did you mean "AWS/EBS"?'],
    ),
    "a misspelt metric": (
        "ec2",
        "BurstBalance =",
        "BurstBalence =",
        ['[volume.metrics]: no metric "BurstBalence" — did you mean "BurstBalance"?'],
    ),
    "a misspelt dimension": (
        "ec2",
        "{ VolumeId = ",
        "{ VolumeID = ",
        ['[volume.metrics]: no dimension "VolumeID" — did you mean "VolumeId"?'],
    ),
    "statistics that there are not": (
        "ec2",
        '["Average", "Minimum"]',
        '["Mean", "p99.9", "p100"]',
        ['[volume.metrics]: BurstBalance: no statistic "Mean"', '[volume.metrics]: BurstBalance: no statistic "p100"'],
    ),
    "more statistics than are billed as one": (
        "ec2",
        '["Average", "Minimum"]',
        '["Average", "Maximum", "Minimum", "Sum", "SampleCount", "p95"]',
        ["[volume.metrics]: BurstBalance: at most 5 different statistics, which CloudWatch bills as one metric"],
    ),
    "a condition on no member": (
        "ec2",
        "State == 'available'",
        "Stat == 'available'",
        ['[volume.metrics]: unless = "Stat == \'available\'": no member "Stat" — did you mean "State"?'],
    ),
    "a condition that is no JMESPath": (
        "ec2",
        'missing    = "unknown"',
        'missing    = "unknown"\nwhen = "State ="',
        [
            "[volume.metrics]: when = \"State =\": not JMESPath: Bad jmespath expression: Unknown token '=': State = ^",
        ],
    ),
    "an id that another account has too": (
        "sns",
        'name     = "{arn.name}"',
        'id       = "topic/{region}"\nname     = "{arn.name}"',
        ['[topic]: id = "topic/{region}" may be the same in another account: put {account_id} into it'],
    ),
    "an id of nothing but a name": (
        "lambda",
        'name = "{FunctionName}"',
        'id   = "{FunctionName}"',
        ['[function]: id = "{FunctionName}" may be the same in another account: put {account_id} into it'],
    ),
    "an id that another region has too": (
        "lambda",
        'name = "{FunctionName}"',
        'id   = "{account_id}/{FunctionName}"',
        ['[function]: id = "{account_id}/{FunctionName}" may be the same in another region: put {region} into it'],
    ),
    "an ARN that is the same in every account": (
        "sns",
        '"{TopicArn}"\nname',
        '"arn:{partition}:sns:{region}::all"\nname',
        ['[topic]: arn = "arn:{partition}:sns:{region}::all" is the same in every account: leave it out'],
    ),
    "an unknown operation taken for an answer": (
        "sns",
        'take   = "Tags"',
        'take   = "Tags"\nabsent = ["NotFound", "InvalidAction"]',
        ["[topic.tags]: absent: InvalidAction says that AWS does not have the operation, not that nothing is there"],
    ),
    "metrics for each of no list": (
        "ec2",
        'missing    = "unknown"',
        'missing    = "unknown"\neach = "VolumeId"',
        [
            '[volume.metrics]: each = "VolumeId" gives no list',
            '[volume.metrics]: "each" is said but no dimension is filled from {each}',
        ],
    ),
}


@pytest.mark.parametrize(("service", "old", "new", "lines"), BAD.values(), ids=BAD)
def test_what_does_not_hold_is_said_in_one_line(service: str, old: str, new: str, lines: list[str]) -> None:
    assert old in SPECS[service]
    assert said(service, SPECS[service].replace(old, new)) == lines


@pytest.mark.parametrize("id", ["{FunctionArn}", "{CodeSha256}/{account_id}/{region}", "{VpcConfig.VpcId}/{FunctionName}"])
def test_an_id_that_no_other_account_has_is_taken(id: str) -> None:
    assert said("lambda", LAMBDA.replace('name = "{FunctionName}"', f'id = "{id}"')) == []


# --- calls that no spec may make ---

FORBIDDEN = {
    "streams": (
        "tnb",
        "GetSolNetworkPackageDescriptor",
        "",
        'nsdInfoId = "x"',
        ["GetSolNetworkPackageDescriptor streams its answer: that is data, not configuration"],
    ),
    "needs endpoint discovery": (
        "timestream-query",
        "ListScheduledQueries",
        "timestream",
        "",
        ["ListScheduledQueries needs endpoint discovery, a call that no spec names"],
    ),
    "halts": (
        "logs",
        "ListAnomalies",
        "",
        "",
        ["logs:ListAnomalies is on the deny list: Log events: whatever the applications wrote, personal data and tokens included."],
    ),
    "forbidden": (
        "securityhub",
        "GetFindings",
        "",
        "",
        ["GetFindings must not be called: Details of resources, environment variables with them."],
    ),
    "guessed action": (
        "cloudhsm",
        "DescribeHsm",
        "",
        "",
        ["the IAM action of DescribeHsm is not known for sure; add it to scripts/make-action-table with its source"],
    ),
    "more than a read": (
        "glue",
        "ListConnectionTypes",
        "",
        "",
        ["glue:ListConnectionTypes is of level Permissions management; only List and Read are allowed"],
    ),
}


@pytest.mark.parametrize(("service", "operation", "prefix", "params", "reasons"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_call_that_must_not_be_made_is_refused(service: str, operation: str, prefix: str, params: str, reasons: list[str]) -> None:
    text = f"""
    iam_prefix = "{prefix or service}"
    [thing]
    type = "AWS::S3::Bucket"
    id = "{{account_id}}/{{region}}"
    [thing.list]
    call = "{operation}"
    params = {{ {params} }}
    take = "`1`"
    why = "To see that it is refused."
    """

    assert said(service, text) == [f"[thing.list]: {reason}" for reason in reasons]


def test_a_denied_action_may_be_limited_to_resources() -> None:
    limited = """
    [keyspace]
    type = "AWS::Cassandra::Keyspace"
    arn  = "{resourceArn}"
    [keyspace.list]
    call = "ListKeyspaces"
    take = "keyspaces[]"
    action = "cassandra:Select"
    resources = ["arn:*:cassandra:*:*:/keyspace/system*"]
    """
    assert said("keyspaces", limited) == []

    unlimited = limited.replace("resources =", "absent =")

    assert said("keyspaces", unlimited) == [
        (
            "[keyspace.list]: cassandra:Select is on the deny list: "
            "Items, rows, graphs or vectors of a database, its change stream, or a query on it."
        )
    ]


def test_another_verb_is_a_read_only_when_it_is_vetted(monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
    [group]
    type = "AWS::ResourceGroups::Group"
    arn  = "{ResourceArn}"
    [group.list]
    call   = "SearchResources"
    params = { ResourceQuery = { Type = "TAG_FILTERS_1_0", Query = "x" } }
    take   = "ResourceIdentifiers[]"
    """
    assert said("resource-groups", text) == [
        "[group.list]: SearchResources is not a Describe, List, Get or BatchGet, and not among the vetted exceptions"
    ]

    monkeypatch.setattr(calls, "VETTED_VERBS", {"resource-groups.SearchResources": "It searches and changes nothing."})

    assert said("resource-groups", text) == []


def test_a_service_that_does_not_exist_is_all_that_is_said() -> None:
    assert check({"snss": read_spec("snss", SNS)}) == ['snss.toml: botocore knows no service "snss" — did you mean "sns"?']


def test_a_type_of_two_files_is_told_of_in_the_second() -> None:
    other = SNS.replace("[topic", "[subject")

    assert check({"sns": read_spec("sns", SNS), "zzz": read_spec("zzz", other)}, ["sns"]) == [
        "zzz.toml [subject]: AWS::SNS::Topic is specified twice, first in sns.toml [topic]"
    ]


def test_only_the_named_files_are_checked() -> None:
    broken = {"sns": read_spec("sns", SNS.replace("Topics[]", "Topic[]")), "ec2": read_spec("ec2", EC2)}

    assert check(broken, ["ec2"]) == []
    assert len(check(broken)) == 1


def test_ones_own_specs_are_checked_before_they_are_used(tmp_path: Path) -> None:
    (tmp_path / "sns.toml").write_text(SNS.replace('call   = "GetTopicAttributes"', 'call   = "DeleteTopic"'))

    with pytest.raises(SpecError) as refused:
        checked_specs([tmp_path])

    assert "sns.toml [topic.describe]: DeleteTopic is not a Describe, List, Get or BatchGet, and not among the vetted exceptions" in (
        refused.value.problems
    )


def test_ones_own_specs_that_hold_are_used(tmp_path: Path) -> None:
    (tmp_path / "sns.toml").write_text(SNS)

    assert list(checked_specs([tmp_path])["sns"].resources) == ["topic"]


# --- nothing that JMESPath makes hides a secret ---


@pytest.mark.parametrize(
    "take",
    [
        "Functions[].Environment",
        "Functions[].{Name: FunctionName, Variables: Environment}",
        "Functions[].[FunctionName, Environment]",
        "Functions[].Environment.Variables",
        "Functions[].Environment.Variables.*",
        "Functions[].values(Environment.Variables)",
        "Functions[].values(Environment)",
        "Functions[].Environment.*",
        "Functions[].*",
        "Functions[].to_string(Environment)",
        "Functions[].merge(@, {x: 'y'})",
        "Functions[].merge(Environment, {x: 'y'})",
        "Functions[].not_null(FunctionName, Environment)",
        "Functions[].not_null(Environment, FunctionName)",
        "Functions[0] | (FunctionName || Environment)",
        "Functions[0] | (FunctionName && Environment)",
        "Functions[].[Environment][]",
        "map(&Environment, Functions)",
        "map(&Environment.Variables, Functions)[]",
        "sort_by(Functions, &FunctionName)[]",
        "reverse(Functions)[?FunctionName=='x'].Environment | [0]",
        "Functions[0]",
        "Functions[0:5]",
        "Functions[0:5].Environment.Variables",
        "max_by(Functions, &CodeSize)",
        "to_array(Functions[0])",
        "{all: Functions}",
        "@",
    ],
)
def test_a_secret_is_found_wherever_jmespath_takes_it(take: str) -> None:
    assert [line for line in said("lambda", taking(take)) if "is shown: AWS marks it sensitive" in line]


@pytest.mark.parametrize(
    "take", ["Functions[].FunctionName", "Functions[].keys(Environment)", "length(Functions)", "Functions[?Environment].Role"]
)
def test_what_takes_no_secret_is_not_held_for_one(take: str) -> None:
    assert said("lambda", taking(take)) == []


@pytest.mark.parametrize(
    ("operation", "take"),
    [
        ("ListRoles", "Roles[]"),
        ("ListRoles", "Roles[].AssumeRolePolicyDocument"),
        ("ListRoles", "Roles[].{trust: AssumeRolePolicyDocument}"),
        ("ListInstanceProfiles", "InstanceProfiles[]"),
    ],
)
def test_the_external_id_in_a_trust_policy_is_a_secret(operation: str, take: str) -> None:
    lines = said("iam", taking(take).replace("ListFunctions", operation).replace("Lambda::Function", "IAM::Role"))
    assert [line for line in lines if "sts:ExternalId is shown" in line]


def taking(take: str) -> str:
    """A spec that takes this of ListFunctions and redacts nothing."""
    return f'''
    [function]
    type = "AWS::Lambda::Function"
    id   = "{{account_id}}/{{region}}"
    list = {{ call = "ListFunctions", take = "{take}" }}
    '''


# --- what lies where ---


def test_an_enumeration_of_what_is_known_goes_with_an_unknown_path() -> None:
    item = item_of("Buckets[]", service_model("s3").operation_model("ListBuckets"))

    with pytest.raises(UnknownPathError) as unknown:
        item.member("Nam")

    assert (unknown.value.name, "Name" in unknown.value.known) == ("Nam", True)


def test_a_policy_document_may_be_looked_into() -> None:
    role = item_of("Roles[]", service_model("iam").operation_model("ListRoles"))

    assert not at("AssumeRolePolicyDocument.Statement.Principal", role).is_known()


def test_our_way_of_reading_models_changes_nothing() -> None:
    ours, theirs = service_model("efs"), Loader().load_service_model("efs", "service-2")

    assert ours.operation_names == list(theirs["operations"])
    assert dict(ours.metadata) == dict(theirs["metadata"])
    assert set(Node(ours.operation_model("DescribeFileSystems").output_shape).members()) == set(
        theirs["shapes"]["DescribeFileSystemsResponse"]["members"]
    )
