"""A resource of every metered type, in AWS's own shape, and the dimensions that AWS documents for its metrics."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import orjson

from collector.record import CoverageRecord, ResourceRecord, line

ACCOUNT, REGION, MOMENT = "123456789012", "eu-west-1", "2026-11-23T18:29:58.799Z"
OF_ALL_REGIONS: Mapping[str, str] = {"CloudFront::Distribution": "us-east-1", "GlobalAccelerator::Accelerator": "us-west-2"}
"""Types without a region, and where their metrics are."""

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass(frozen=True)
class Example:
    """One resource. *dimensions* has the value, or each of the values, of every dimension of every metric of its type."""

    type: str
    service: str
    configuration: Any
    dimensions: Mapping[str, str | list[str]]
    arn: str | None = None
    supplementary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """Where CloudWatch is asked about it."""
        return OF_ALL_REGIONS.get(self.type, REGION)

    @property
    def scan_id(self) -> str:
        return f"{ACCOUNT}/{self.region}/{self.service}.{self.type.rpartition('::')[2].lower()}@20261123T182958.799Z"

    def record(self) -> ResourceRecord:
        return ResourceRecord(
            account_id=ACCOUNT,
            arn=self.arn,
            configuration=self.configuration,
            created_at=None,
            name=None,
            observed_at=MOMENT,
            parent_arn=None,
            partition="aws",
            region="global" if self.type in OF_ALL_REGIONS else REGION,
            resource_id=self.arn or self.type,
            resource_type=f"AWS::{self.type}",
            scan_id=self.scan_id,
            service=self.service,
            state=None,
            supplementary=self.supplementary,
            tags=None,
        )

    def line(self) -> dict[str, Any]:
        """The record as it is read from a snapshot."""
        return dict(orjson.loads(line(self.record())))

    def coverage(self) -> CoverageRecord:
        return CoverageRecord(
            account_id=ACCOUNT,
            calls=1,
            complete=True,
            gaps=(),
            observed_at=MOMENT,
            partition="aws",
            region=self.region,
            resource_type=f"AWS::{self.type}",
            resources=1,
            retries=0,
            scan_id=self.scan_id,
            seconds=0.1,
            service=self.service,
        )

    def series(self, names: list[str]) -> Iterator[dict[str, str]]:
        """The dimensions of each series of a metric with the dimensions *names*."""
        values = [self.dimensions[name] for name in names]
        for chosen in product(*([value] if isinstance(value, str) else value for value in values)):
            yield dict(zip(names, chosen, strict=True))


def arn(service: str, resource: str, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def _balancer(kind: str, path: str) -> Example:
    its = arn("elasticloadbalancing", f"loadbalancer/{path}/web/50dc6c495c0c9188")
    return Example(
        "ElasticLoadBalancingV2::LoadBalancer",
        "elbv2",
        {"LoadBalancerArn": its, "Type": kind},
        {"LoadBalancer": f"{path}/web/50dc6c495c0c9188"},
        its,
    )


FUNCTION = arn("lambda", "function:invoice")
CLASSES = [
    "StandardStorage", "StandardIAStorage", "OneZoneIAStorage", "IntelligentTieringFAStorage", "GlacierInstantRetrievalStorage",
    "GlacierStorage", "DeepArchiveStorage",
]  # fmt: skip
BALANCERS = [_balancer("application", "app"), _balancer("network", "net"), _balancer("gateway", "gwy")]
EXAMPLES = [
    Example("EC2::Instance", "ec2", {"InstanceId": "i-1", "State": {"Name": "running"}}, {"InstanceId": "i-1"}),
    Example("EC2::Volume", "ec2", {"VolumeId": "vol-1", "State": "in-use", "VolumeType": "gp2"}, {"VolumeId": "vol-1"}),
    Example(
        "AutoScaling::AutoScalingGroup",
        "autoscaling",
        {"AutoScalingGroupName": "web", "Instances": [{"InstanceId": "i-1"}]},
        {"AutoScalingGroupName": "web"},
    ),
    Example("EC2::NatGateway", "ec2", {"NatGatewayId": "nat-1", "State": "available"}, {"NatGatewayId": "nat-1"}),
    Example(
        "EC2::VPCEndpoint",
        "ec2",
        {
            "VpcEndpointId": "vpce-1",
            "VpcEndpointType": "Interface",
            "VpcId": "vpc-1",
            "ServiceName": "com.amazonaws.eu-west-1.sqs",
        },
        {
            "VPC Id": "vpc-1",
            "VPC Endpoint Id": "vpce-1",
            "Endpoint Type": "Interface",
            "Service Name": "com.amazonaws.eu-west-1.sqs",
        },
    ),
    Example(
        "NetworkFirewall::Firewall",
        "network-firewall",
        {"FirewallName": "edge", "FirewallStatus": {"SyncStates": {"eu-west-1a": {}, "eu-west-1b": {}}}},
        {"FirewallName": "edge", "AvailabilityZone": ["eu-west-1a", "eu-west-1b"], "Engine": ["Stateful", "Stateless"]},
    ),
    Example(
        "EC2::TransitGatewayAttachment",
        "ec2",
        {"TransitGatewayAttachmentId": "tgw-attach-1", "TransitGatewayId": "tgw-1", "State": "available"},
        {"TransitGateway": "tgw-1", "TransitGatewayAttachment": "tgw-attach-1"},
    ),
    Example("EC2::VPNConnection", "ec2", {"VpnConnectionId": "vpn-1", "State": "available"}, {"VpnId": "vpn-1"}),
    Example("EC2::ClientVpnEndpoint", "ec2", {"ClientVpnEndpointId": "cvpn-endpoint-1"}, {"Endpoint": "cvpn-endpoint-1"}),
    Example("DirectConnect::Connection", "directconnect", {"connectionId": "dxcon-1"}, {"ConnectionId": "dxcon-1"}),
    Example(
        "GlobalAccelerator::Accelerator",
        "globalaccelerator",
        {"AcceleratorArn": arn("globalaccelerator", "accelerator/1234abcd-ab12", "")},
        {"Accelerator": "1234abcd-ab12"},
    ),
    Example("CloudFront::Distribution", "cloudfront", {"Id": "E1234"}, {"DistributionId": "E1234", "Region": "Global"}),
    Example("ApiGateway::RestApi", "apigateway", {"id": "a1b2", "name": "orders"}, {"ApiName": "orders"}),
    Example("ApiGatewayV2::Api", "apigatewayv2", {"ApiId": "a1b2", "Name": "orders", "ProtocolType": "HTTP"}, {"ApiId": "a1b2"}),
    Example(
        "ElasticLoadBalancing::LoadBalancer",
        "elb",
        {"LoadBalancerName": "old", "Instances": [{"InstanceId": "i-1"}]},
        {"LoadBalancerName": "old"},
    ),
    Example(
        "RDS::DBInstance",
        "rds",
        {"DBInstanceIdentifier": "db-1", "DBInstanceStatus": "available", "Engine": "mysql"},
        {"DBInstanceIdentifier": "db-1"},
    ),
    Example("RDS::DBCluster", "rds", {"DBClusterIdentifier": "c-1", "Engine": "aurora-mysql"}, {"DBClusterIdentifier": "c-1"}),
    Example("DocDB::DBInstance", "docdb", {"DBInstanceIdentifier": "doc-1"}, {"DBInstanceIdentifier": "doc-1"}),
    Example("Neptune::DBInstance", "neptune", {"DBInstanceIdentifier": "nep-1"}, {"DBInstanceIdentifier": "nep-1"}),
    Example("Redshift::Cluster", "redshift", {"ClusterIdentifier": "dw", "ClusterStatus": "available"}, {"ClusterIdentifier": "dw"}),
    Example(
        "ElastiCache::CacheCluster", "elasticache", {"CacheClusterId": "cache-001", "Engine": "redis"}, {"CacheClusterId": "cache-001"}
    ),
    Example("MemoryDB::Cluster", "memorydb", {"Name": "mem"}, {"ClusterName": "mem"}),
    Example("DynamoDB::Table", "dynamodb", {"TableName": "orders"}, {"TableName": "orders"}),
    Example("OpenSearchService::Domain", "opensearch", {"DomainName": "logs"}, {"ClientId": ACCOUNT, "DomainName": "logs"}),
    Example(
        "Lambda::Function",
        "lambda",
        {"FunctionArn": FUNCTION, "FunctionName": "invoice"},
        {"FunctionName": "invoice", "Resource": ["invoice:live", "invoice:7"]},
        FUNCTION,
        {"provisioned_concurrency": [{"FunctionArn": f"{FUNCTION}:live"}, {"FunctionArn": f"{FUNCTION}:7"}]},
    ),
    Example("ECS::Cluster", "ecs", {"clusterName": "prod", "clusterArn": arn("ecs", "cluster/prod")}, {"ClusterName": "prod"}),
    Example(
        "ECS::Service",
        "ecs",
        {"serviceName": "web", "clusterArn": arn("ecs", "cluster/prod"), "desiredCount": 2, "runningCount": 2},
        {"ClusterName": "prod", "ServiceName": "web"},
    ),
    Example(
        "SageMaker::Endpoint",
        "sagemaker",
        {"EndpointName": "rank", "ProductionVariants": [{"VariantName": "A"}, {"VariantName": "B"}]},
        {"EndpointName": "rank", "VariantName": ["A", "B"]},
    ),
    Example("EMR::Cluster", "emr", {"Id": "j-1"}, {"JobFlowId": "j-1"}),
    Example("WorkSpaces::Workspace", "workspaces", {"WorkspaceId": "ws-1"}, {"WorkspaceId": "ws-1"}),
    Example("AppStream::Fleet", "appstream", {"Name": "fleet", "State": "RUNNING"}, {"Fleet": "fleet"}),
    Example("S3::Bucket", "s3", {"Name": "logs"}, {"BucketName": "logs", "StorageType": [*CLASSES, "AllStorageTypes"]}),
    Example(
        "KMS::Key",
        "kms",
        {"KeyUsage": "ENCRYPT_DECRYPT"},
        {"KeyArn": KEY, "Operation": ["Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"]},
        arn=KEY,
    ),
    Example("Kinesis::Stream", "kinesis", {"StreamName": "clicks"}, {"StreamName": "clicks"}),
    Example("KinesisFirehose::DeliveryStream", "firehose", {"DeliveryStreamName": "lake"}, {"DeliveryStreamName": "lake"}),
    Example("SQS::Queue", "sqs", {"QueueArn": arn("sqs", "jobs")}, {"QueueName": "jobs"}, arn("sqs", "jobs")),
    Example("SNS::Topic", "sns", {"TopicArn": arn("sns", "alerts")}, {"TopicName": "alerts"}, arn("sns", "alerts")),
    Example(
        "MSK::Cluster",
        "kafka",
        {"ClusterName": "events"},
        {"Cluster Name": "events", "Broker ID": ["1", "2"]},
        supplementary={"nodes": [{"NodeType": "BROKER", "BrokerNodeInfo": {"BrokerId": number}} for number in (1.0, 2.0)]},
    ),
    Example(
        "AmazonMQ::Broker",
        "mq",
        {"BrokerName": "mq", "EngineType": "ActiveMQ", "DeploymentMode": "ACTIVE_STANDBY_MULTI_AZ"},
        {"Broker": ["mq-1", "mq-2"]},
    ),
    Example("EFS::FileSystem", "efs", {"FileSystemId": "fs-1"}, {"FileSystemId": "fs-1"}),
    Example("FSx::FileSystem", "fsx", {"FileSystemId": "fs-2"}, {"FileSystemId": "fs-2"}),
    Example("Logs::LogGroup", "logs", {"logGroupName": "/aws/lambda/invoice"}, {"LogGroupName": "/aws/lambda/invoice"}),
    Example("DMS::ReplicationInstance", "dms", {"ReplicationInstanceIdentifier": "dms-1"}, {"ReplicationInstanceIdentifier": "dms-1"}),
    Example("Transfer::Server", "transfer", {"ServerId": "s-1", "State": "ONLINE"}, {"ServerId": "s-1"}),
    Example("CodeBuild::Project", "codebuild", {"name": "site"}, {"ProjectName": "site"}),
    *BALANCERS,
]
