"""What a resource is called in a billing file -> what it is called in the inventory: its ARN, its id there, its type. As SQL.

Billing names most resources by their ARN, EC2's by a bare id (``i-``, ``vol-``), buckets and some clusters by a bare name. An ARN is
made of these only where its form is certain; otherwise the line keeps the name and has no ARN.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

_EC2_KINDS = {
    "i-": "instance", "vol-": "volume", "snap-": "snapshot", "ami-": "image", "eni-": "network-interface", "nat-": "natgateway",
    "eipalloc-": "elastic-ip", "vpce-": "vpc-endpoint", "vpn-": "vpn-connection", "tgw-attach-": "transit-gateway-attachment",
    "tgw-": "transit-gateway", "cvpn-endpoint-": "client-vpn-endpoint", "cr-": "capacity-reservation", "h-": "dedicated-host",
}  # fmt: skip
"""EC2's ids by their beginning."""
_BY_CODE = {
    "AmazonS3": ("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "'arn:' || partition || ':s3:::' || resource"),
    "AmazonRedshift": ("[a-z][a-z0-9-]*", "'arn:' || partition || ':redshift:' || region || ':' || account_id || ':cluster:' || resource"),
    "ElasticMapReduce": (
        "j-[A-Z0-9]+",
        "'arn:' || partition || ':elasticmapreduce:' || region || ':' || account_id || ':cluster/' || resource",
    ),
    "AmazonEFS": (
        "fs-[0-9a-f]+",
        "'arn:' || partition || ':elasticfilesystem:' || region || ':' || account_id || ':file-system/' || resource",
    ),
    "AmazonFSx": ("fs-[0-9a-f]+", "'arn:' || partition || ':fsx:' || region || ':' || account_id || ':file-system/' || resource"),
    "AmazonWorkSpaces": (
        "ws-[a-z0-9]+",
        "'arn:' || partition || ':workspaces:' || region || ':' || account_id || ':workspace/' || resource",
    ),
}
"""Bare names by the product's code: their form, and their ARN."""
_NAMED_BY_ID = ("ec2", "directconnect", "workspaces", "fsx")
"""Services whose resources the inventory knows by the last part of their ARN; all others by the ARN."""
_TYPES = {
    "ec2:instance": "AWS::EC2::Instance",
    "ec2:volume": "AWS::EC2::Volume",
    "ec2:snapshot": "AWS::EC2::Snapshot",
    "ec2:image": "AWS::EC2::Image",
    "ec2:network-interface": "AWS::EC2::NetworkInterface",
    "ec2:natgateway": "AWS::EC2::NatGateway",
    "ec2:elastic-ip": "AWS::EC2::EIP",
    "ec2:vpc-endpoint": "AWS::EC2::VPCEndpoint",
    "ec2:vpn-connection": "AWS::EC2::VPNConnection",
    "ec2:transit-gateway": "AWS::EC2::TransitGateway",
    "ec2:transit-gateway-attachment": "AWS::EC2::TransitGatewayAttachment",
    "ec2:client-vpn-endpoint": "AWS::EC2::ClientVpnEndpoint",
    "ec2:capacity-reservation": "AWS::EC2::CapacityReservation",
    "ec2:dedicated-host": "AWS::EC2::Host",
    "s3:": "AWS::S3::Bucket",
    "sqs:": "AWS::SQS::Queue",
    "sns:": "AWS::SNS::Topic",
    "lambda:function": "AWS::Lambda::Function",
    "dynamodb:table": "AWS::DynamoDB::Table",
    "rds:db": "AWS::RDS::DBInstance",
    "rds:cluster": "AWS::RDS::DBCluster",
    "rds:snapshot": "AWS::RDS::DBSnapshot",
    "rds:cluster-snapshot": "AWS::RDS::ClusterSnapshot",
    "redshift:cluster": "AWS::Redshift::Cluster",
    "elasticache:cluster": "AWS::ElastiCache::CacheCluster",
    "elasticmapreduce:cluster": "AWS::EMR::Cluster",
    "elasticfilesystem:file-system": "AWS::EFS::FileSystem",
    "fsx:file-system": "AWS::FSx::FileSystem",
    "logs:log-group": "AWS::Logs::LogGroup",
    "kms:key": "AWS::KMS::Key",
    "secretsmanager:secret": "AWS::SecretsManager::Secret",
    "ecr:repository": "AWS::ECR::Repository",
    "cloudfront:distribution": "AWS::CloudFront::Distribution",
    "kinesis:stream": "AWS::Kinesis::Stream",
    "ecs:service": "AWS::ECS::Service",
    "ecs:task": "AWS::ECS::Task",
    "eks:cluster": "AWS::EKS::Cluster",
    "workspaces:workspace": "AWS::WorkSpaces::Workspace",
}
"""Resource types by the service and the kind in an ARN."""

PARTITION = """case when region like 'us-gov-%' then 'aws-us-gov' when region like 'cn-%' then 'aws-cn' else $partition end"""


def arn() -> str:
    """The ARN, of columns partition, region, account_id, resource and service_code; null where it is not certain."""
    ids = "\n".join(
        f"when regexp_full_match(resource, '{start}[0-9a-f]+') then 'arn:' || partition || ':ec2:' || region || ':' || "
        f"{repr('') if kind in ('snapshot', 'image') else 'account_id'} || ':{kind}/' || resource"
        for start, kind in _EC2_KINDS.items()
    )
    names = "\n".join(
        f"when service_code = '{code}' and regexp_full_match(resource, '{form}') then {made}" for code, (form, made) in _BY_CODE.items()
    )
    # Snapshots and images have no account in their ARN; a log group is billed with all that is in it.
    whole = (
        "regexp_replace(regexp_replace(resource, '^(arn:[^:]+:ec2:[^:]*:)[0-9]{12}(:(?:snapshot|image)/)', '\\1\\2'), "
        "'^(arn:[^:]+:logs:.*):\\*$', '\\1')"
    )
    return f"case when resource is null then null when resource like 'arn:%' then {whole}\n{ids}\n{names}\nelse null end"


def resource_id() -> str:
    """The id in the inventory, of columns arn and resource."""
    services = "|".join(_NAMED_BY_ID)
    return (
        f"case when regexp_matches(arn, '^arn:[^:]+:({services}):.*/') then regexp_extract(arn, '[^/]+$') else coalesce(arn, resource) end"
    )


def resource_type() -> str:
    """CloudFormation's type, of column arn; null where it is not known."""
    service = "split_part(arn, ':', 3)"
    kind = "regexp_extract(arn, '^arn:[^:]+:[^:]+:[^:]*:[^:]*:([a-z-]+)[:/]', 1)"
    types = " ".join(f"when '{name}' then '{type}'" for name, type in _TYPES.items())
    return f"case {service} || ':' || {kind} {types} end"
