"""Something in every service that the emulator and our specs both know. What is made carries its account's number in its name."""

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

from tests.enforced.asking import Identity, client

SECRET = "a-customers-data-or-secret"
"""Put wherever the collector must not look."""
ANYBODY = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [ANYBODY]})


@dataclass(frozen=True, slots=True)
class Seeded:
    """One resource: its type, and a text of which its record must tell."""

    service: str
    type: str
    name: str


@dataclass(slots=True)
class Hand:
    """Makes things in one account and region, and writes down what must be found there."""

    url: str
    root: Identity
    region: str
    account: str
    made: list[Seeded] = field(default_factory=list)

    @property
    def name(self) -> str:
        """A name that only this account uses."""
        return f"own-{self.account}"

    @property
    def role(self) -> str:
        """The ARN of a role that services may be given; `_identities` makes it."""
        return f"arn:aws:iam::{self.account}:role/{self.name}-role"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def ask(self, service: str, method: str, /, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(client(self.url, self.root, service, self.region), method)(**params)
        return answer

    def make(self, type: str, name: str, service: str, method: str, /, **params: Any) -> dict[str, Any]:
        answer = self.ask(service, method, **params)
        self.made.append(Seeded(service, type, name))
        return answer


def seed(url: str, root: Identity, account: str, region: str) -> list[Seeded]:
    """Fill *account*; gives what must be found. Raises ClientError when the emulator refuses to make something."""
    hand = Hand(url, root, region, account)
    for part in (_identities, _storage, _compute, _containers, _data, _messages, _web, _code, _operations, _security, _others):
        part(hand)
    return hand.made


def _identities(hand: Hand) -> None:
    name = hand.name
    hand.make("AWS::IAM::User", name, "iam", "create_user", UserName=name, Tags=[{"Key": "team", "Value": "seed"}])
    hand.ask("iam", "put_user_policy", UserName=name, PolicyName="inline", PolicyDocument=_document("s3:ListAllMyBuckets"))
    hand.make("AWS::IAM::Group", name, "iam", "create_group", GroupName=name)
    hand.make("AWS::IAM::Role", f"{name}-role", "iam", "create_role", RoleName=f"{name}-role", AssumeRolePolicyDocument=TRUST)
    hand.make(
        "AWS::IAM::ManagedPolicy",
        f"{name}-policy",
        "iam",
        "create_policy",
        PolicyName=f"{name}-policy",
        PolicyDocument=_document("sns:ListTopics"),
    )
    hand.make("AWS::IAM::InstanceProfile", name, "iam", "create_instance_profile", InstanceProfileName=name)
    pool = hand.make("AWS::Cognito::UserPool", name, "cognito-idp", "create_user_pool", PoolName=name)["UserPool"]["Id"]
    hand.make("AWS::Cognito::UserPoolClient", name, "cognito-idp", "create_user_pool_client", UserPoolId=pool, ClientName=name)
    hand.make(
        "AWS::Cognito::IdentityPool",
        name,
        "cognito-identity",
        "create_identity_pool",
        IdentityPoolName=name,
        AllowUnauthenticatedIdentities=False,
    )


def _document(action: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


def _storage(hand: Hand) -> None:
    name = hand.name
    hand.make("AWS::S3::Bucket", name, "s3", "create_bucket", Bucket=name)
    hand.ask("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": [{"Key": "team", "Value": "seed"}]})
    hand.ask("s3", "put_object", Bucket=name, Key="customers.csv", Body=SECRET.encode())
    files = hand.make("AWS::EFS::FileSystem", name, "efs", "create_file_system", CreationToken=name, Tags=[{"Key": "Name", "Value": name}])
    hand.make(
        "AWS::EFS::AccessPoint", files["FileSystemId"], "efs", "create_access_point", ClientToken=name, FileSystemId=files["FileSystemId"]
    )
    hand.make("AWS::Backup::BackupVault", name, "backup", "create_backup_vault", BackupVaultName=name)
    rule = {"RuleName": "daily", "TargetBackupVaultName": name}
    plan = hand.make("AWS::Backup::BackupPlan", name, "backup", "create_backup_plan", BackupPlan={"BackupPlanName": name, "Rules": [rule]})
    selection = {"SelectionName": name, "IamRoleArn": hand.role, "Resources": ["*"]}
    hand.make(
        "AWS::Backup::BackupSelection",
        name,
        "backup",
        "create_backup_selection",
        BackupPlanId=plan["BackupPlanId"],
        BackupSelection=selection,
    )


def _compute(hand: Hand) -> None:
    name = hand.name
    vpc = hand.make("AWS::EC2::VPC", hand.account, "ec2", "create_vpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = hand.ask("ec2", "create_subnet", VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    other = hand.ask("ec2", "create_subnet", VpcId=vpc, CidrBlock="10.0.2.0/24", AvailabilityZone=f"{hand.region}b")["Subnet"]["SubnetId"]
    hand.make("AWS::EC2::Subnet", subnet, "ec2", "modify_subnet_attribute", SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    hand.make("AWS::EC2::SecurityGroup", name, "ec2", "create_security_group", GroupName=name, Description="seed", VpcId=vpc)
    volume = hand.ask("ec2", "create_volume", AvailabilityZone=f"{hand.region}a", Size=8)["VolumeId"]
    hand.make("AWS::EC2::Volume", volume, "ec2", "create_tags", Resources=[volume], Tags=[{"Key": "Name", "Value": name}])
    hand.make("AWS::EC2::KeyPair", name, "ec2", "create_key_pair", KeyName=name)
    launched = hand.ask("ec2", "run_instances", ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0][
        "InstanceId"
    ]
    hand.make("AWS::EC2::Instance", launched, "ec2", "create_tags", Resources=[launched], Tags=[{"Key": "Name", "Value": name}])
    hand.make(
        "AWS::EC2::LaunchTemplate",
        name,
        "ec2",
        "create_launch_template",
        LaunchTemplateName=name,
        LaunchTemplateData={"InstanceType": "t3.micro"},
    )
    hand.make("AWS::EC2::EIP", hand.account, "ec2", "allocate_address", Domain="vpc")
    hand.make(
        "AWS::AutoScaling::LaunchConfiguration",
        name, "autoscaling", "create_launch_configuration",
        LaunchConfigurationName=name, ImageId="ami-0123456789abcdef0", InstanceType="t3.micro",
    )  # fmt: skip
    hand.make(
        "AWS::AutoScaling::AutoScalingGroup",
        name, "autoscaling", "create_auto_scaling_group",
        AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=0, MaxSize=0, VPCZoneIdentifier=subnet,
    )  # fmt: skip
    balancer = hand.make(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        f"b{hand.account}",
        "elbv2",
        "create_load_balancer",
        Name=f"b{hand.account}",
        Subnets=[subnet, other],
    )["LoadBalancers"][0]["LoadBalancerArn"]
    group = hand.make(
        "AWS::ElasticLoadBalancingV2::TargetGroup", f"t{hand.account}", "elbv2", "create_target_group",
        Name=f"t{hand.account}", Protocol="HTTP", Port=80, VpcId=vpc,
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    hand.make(
        "AWS::ElasticLoadBalancingV2::Listener", f"b{hand.account}", "elbv2", "create_listener",
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )  # fmt: skip
    hand.make("AWS::EC2::InternetGateway", hand.account, "ec2", "create_internet_gateway")
    hand.make("AWS::EMR::Cluster", name, "emr", "run_job_flow", Name=name, Instances={"KeepJobFlowAliveWhenNoSteps": True})


def _containers(hand: Hand) -> None:
    name = hand.name
    hand.make("AWS::ECR::Repository", name, "ecr", "create_repository", repositoryName=name)
    hand.make("AWS::ECS::Cluster", name, "ecs", "create_cluster", clusterName=name)
    container = {"name": "app", "image": "app:1", "memory": 64}
    hand.make("AWS::ECS::TaskDefinition", name, "ecs", "register_task_definition", family=name, containerDefinitions=[container])
    hand.make("AWS::ECS::Service", name, "ecs", "create_service", cluster=name, serviceName=name, taskDefinition=name, desiredCount=0)
    hand.make(
        "AWS::Lambda::Function", name, "lambda", "create_function",
        FunctionName=name, Role=hand.role, Runtime="python3.12", Handler="a.b", Code={"ZipFile": _code_archive()},
        Environment={"Variables": {"TOKEN": SECRET}}, Tags={"team": "seed"},
    )  # fmt: skip
    hand.make("AWS::Lambda::Layer", name, "lambda", "publish_layer_version", LayerName=name, Content={"ZipFile": _code_archive()})
    hand.make("AWS::EKS::Cluster", name, "eks", "create_cluster", name=name, roleArn=hand.role, resourcesVpcConfig={})
    hand.make(
        "AWS::Batch::ComputeEnvironment",
        name,
        "batch",
        "create_compute_environment",
        computeEnvironmentName=name,
        type="UNMANAGED",
        state="ENABLED",
    )
    hand.make(
        "AWS::Batch::JobDefinition", name, "batch", "register_job_definition",
        jobDefinitionName=name, type="container", containerProperties={"image": "app:1", "vcpus": 1, "memory": 64},
    )  # fmt: skip


def _code_archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.py", "def b(event, context): return None\n")
    return buffer.getvalue()


def _data(hand: Hand) -> None:
    name = hand.name
    hand.make(
        "AWS::DynamoDB::Table", name, "dynamodb", "create_table",
        TableName=name, BillingMode="PAY_PER_REQUEST", Tags=[{"Key": "team", "Value": "seed"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    hand.ask("dynamodb", "put_item", TableName=name, Item={"id": {"S": SECRET}})
    hand.make(
        "AWS::RDS::DBParameterGroup",
        name,
        "rds",
        "create_db_parameter_group",
        DBParameterGroupName=name,
        DBParameterGroupFamily="postgres16",
        Description="seed",
    )
    hand.make(
        "AWS::ElastiCache::ParameterGroup", name, "elasticache", "create_cache_parameter_group",
        CacheParameterGroupName=name, CacheParameterGroupFamily="redis7", Description="seed",
    )  # fmt: skip
    for service, type, engine in (
        ("rds", "AWS::RDS::DBCluster", "aurora-postgresql"),
        ("docdb", "AWS::DocDB::DBCluster", "docdb"),
        ("neptune", "AWS::Neptune::DBCluster", "neptune"),
    ):
        cluster = f"{name}-{service}"
        login = {"MasterUsername": "seed", "MasterUserPassword": SECRET} if service != "neptune" else {}
        hand.make(type, cluster, service, "create_db_cluster", DBClusterIdentifier=cluster, Engine=engine, **login)
    hand.make(
        "AWS::ElastiCache::User", name, "elasticache", "create_user",
        UserId=name, UserName=name, Engine="redis", AccessString="on", NoPasswordRequired=True,
    )  # fmt: skip
    hand.make(
        "AWS::MSK::Configuration", name, "kafka", "create_configuration", Name=name, ServerProperties=b"auto.create.topics.enable=false"
    )
    hand.make("AWS::Athena::WorkGroup", name, "athena", "create_work_group", Name=name)
    hand.make("AWS::Glue::Database", name, "glue", "create_database", DatabaseInput={"Name": name})
    hand.make("AWS::Glue::Table", name, "glue", "create_table", DatabaseName=name, TableInput={"Name": name})
    hand.make("AWS::OpenSearchService::Domain", f"d{hand.account}", "opensearch", "create_domain", DomainName=f"d{hand.account}")
    hand.make("AWS::Kinesis::Stream", name, "kinesis", "create_stream", StreamName=name, ShardCount=1)
    hand.make(
        "AWS::KinesisFirehose::DeliveryStream", name, "firehose", "create_delivery_stream",
        DeliveryStreamName=name, S3DestinationConfiguration={"RoleARN": hand.role, "BucketARN": f"arn:aws:s3:::{name}"},
    )  # fmt: skip


def _messages(hand: Hand) -> None:
    name = hand.name
    topic = hand.make("AWS::SNS::Topic", name, "sns", "create_topic", Name=name, Tags=[{"Key": "team", "Value": "seed"}])["TopicArn"]
    queue = hand.make("AWS::SQS::Queue", name, "sqs", "create_queue", QueueName=name, tags={"team": "seed"})["QueueUrl"]
    hand.ask("sqs", "send_message", QueueUrl=queue, MessageBody=SECRET)
    hand.make("AWS::SNS::Subscription", name, "sns", "subscribe", TopicArn=topic, Protocol="sqs", Endpoint=hand.arn("sqs", name))
    hand.make("AWS::Events::EventBus", name, "events", "create_event_bus", Name=name)
    hand.make(
        "AWS::Events::Rule",
        f"{name}-rule",
        "events",
        "put_rule",
        Name=f"{name}-rule",
        EventBusName=name,
        EventPattern='{"source": ["seed"]}',
    )
    hand.make("AWS::Scheduler::ScheduleGroup", name, "scheduler", "create_schedule_group", Name=name)
    hand.make(
        "AWS::Scheduler::Schedule", f"{name}-schedule", "scheduler", "create_schedule",
        Name=f"{name}-schedule", GroupName=name, ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": hand.arn("sqs", name), "RoleArn": hand.role},
    )  # fmt: skip
    hand.make(
        "AWS::Pipes::Pipe", name, "pipes", "create_pipe",
        Name=name, Source=hand.arn("sqs", name), Target=hand.arn("sns", name), RoleArn=hand.role, DesiredState="STOPPED",
    )  # fmt: skip
    hand.make("AWS::SES::ReceiptRuleSet", name, "ses", "create_receipt_rule_set", RuleSetName=name)
    hand.make("AWS::SES::EmailIdentity", f"{name}@example.com", "sesv2", "create_email_identity", EmailIdentity=f"{name}@example.com")
    hand.make(
        "AWS::AmazonMQ::Broker", name, "mq", "create_broker",
        BrokerName=name, EngineType="RABBITMQ", EngineVersion="3.13", HostInstanceType="mq.m5.large", DeploymentMode="SINGLE_INSTANCE",
        PubliclyAccessible=False, AutoMinorVersionUpgrade=True, Users=[{"Username": "seed", "Password": SECRET}],
    )  # fmt: skip


def _web(hand: Hand) -> None:
    name = hand.name
    hand.make("AWS::ApiGateway::RestApi", name, "apigateway", "create_rest_api", name=name)
    hand.ask("apigateway", "create_api_key", name=name, enabled=True, value=SECRET)
    hand.make("AWS::ApiGatewayV2::Api", name, "apigatewayv2", "create_api", Name=name, ProtocolType="HTTP")
    hand.make("AWS::AppSync::GraphQLApi", name, "appsync", "create_graphql_api", name=name, authenticationType="AWS_IAM")
    hand.make(
        "AWS::Route53::HostedZone", f"{name}.example.com", "route53", "create_hosted_zone", Name=f"{name}.example.com", CallerReference=name
    )
    hand.make("AWS::CertificateManager::Certificate", f"{name}.example.com", "acm", "request_certificate", DomainName=f"{name}.example.com")
    hand.make(
        "AWS::CloudFront::OriginAccessControl", name, "cloudfront", "create_origin_access_control",
        OriginAccessControlConfig={
            "Name": name, "SigningProtocol": "sigv4", "SigningBehavior": "always", "OriginAccessControlOriginType": "s3",
        },
    )  # fmt: skip
    origin = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    behaviour = {
        "TargetOriginId": "o", "ViewerProtocolPolicy": "https-only", "MinTTL": 0,
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
    }  # fmt: skip
    distribution = {
        "CallerReference": name, "Comment": name, "Enabled": True, "DefaultCacheBehavior": behaviour,
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "example.com", "CustomOriginConfig": origin}]},
    }  # fmt: skip
    hand.make("AWS::CloudFront::Distribution", name, "cloudfront", "create_distribution", DistributionConfig=distribution)
    hand.make("AWS::ServiceDiscovery::Namespace", name, "servicediscovery", "create_http_namespace", Name=name)
    shown = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "seed"}
    hand.make(
        "AWS::WAFv2::WebACL",
        name,
        "wafv2",
        "create_web_acl",
        Name=name,
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig=shown,
    )


def _code(hand: Hand) -> None:
    name = hand.name
    hand.make(
        "AWS::CodeBuild::Project", name, "codebuild", "create_project",
        name=name, source={"type": "NO_SOURCE", "buildspec": "version: 0.2"}, artifacts={"type": "NO_ARTIFACTS"}, serviceRole=hand.role,
        environment={"type": "LINUX_CONTAINER", "image": "app:1", "computeType": "BUILD_GENERAL1_SMALL"},
    )  # fmt: skip
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    hand.make(
        "AWS::StepFunctions::StateMachine",
        name,
        "stepfunctions",
        "create_state_machine",
        name=name,
        definition=definition,
        roleArn=hand.role,
    )
    template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{name}-stack"}}}})
    hand.make("AWS::CloudFormation::Stack", name, "cloudformation", "create_stack", StackName=name, TemplateBody=template)
    hand.make("AWS::AppConfig::Application", name, "appconfig", "create_application", Name=name)
    hand.make("AWS::Transfer::Server", hand.account, "transfer", "create_server", Domain="S3")


def _operations(hand: Hand) -> None:
    name = hand.name
    hand.make("AWS::Logs::LogGroup", name, "logs", "create_log_group", logGroupName=name, tags={"team": "seed"})
    hand.make(
        "AWS::CloudWatch::Alarm", name, "cloudwatch", "put_metric_alarm",
        AlarmName=name, Namespace="seed", MetricName="seed", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    hand.make("AWS::CloudWatch::Dashboard", name, "cloudwatch", "put_dashboard", DashboardName=name, DashboardBody='{"widgets": []}')
    hand.make("AWS::SSM::Parameter", name, "ssm", "put_parameter", Name=name, Type="SecureString", Value=SECRET)
    hand.make("AWS::CloudTrail::Trail", name, "cloudtrail", "create_trail", Name=name, S3BucketName=name)
    hand.make(
        "AWS::ResourceGroups::Group",
        name,
        "resource-groups",
        "create_group",
        Name=name,
        ResourceQuery={"Type": "TAG_FILTERS_1_0", "Query": "{}"},
    )
    hand.make(
        "AWS::Config::ConfigurationRecorder", name, "config", "put_configuration_recorder",
        ConfigurationRecorder={"name": name, "roleARN": hand.role},
    )  # fmt: skip
    rule = {"ConfigRuleName": name, "Source": {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_VERSIONING_ENABLED"}}
    hand.make("AWS::Config::ConfigRule", name, "config", "put_config_rule", ConfigRule=rule)
    budget = {"BudgetName": name, "TimeUnit": "MONTHLY", "BudgetType": "COST", "BudgetLimit": {"Amount": "1", "Unit": "USD"}}
    hand.make("AWS::Budgets::Budget", name, "budgets", "create_budget", AccountId=hand.account, Budget=budget)


def _security(hand: Hand) -> None:
    name = hand.name
    key = hand.make("AWS::KMS::Key", hand.account, "kms", "create_key", Description=name)["KeyMetadata"]["KeyId"]
    hand.make("AWS::KMS::Alias", f"alias/{name}", "kms", "create_alias", AliasName=f"alias/{name}", TargetKeyId=key)
    hand.ask("inspector2", "enable", resourceTypes=["EC2"])
    hand.make("AWS::SecretsManager::Secret", name, "secretsmanager", "create_secret", Name=name, SecretString=SECRET)


def _others(hand: Hand) -> None:
    name = hand.name
    hand.make(
        "AWS::MWAA::Environment", name, "mwaa", "create_environment",
        Name=name, DagS3Path="dags", ExecutionRoleArn=hand.role, SourceBucketArn=f"arn:aws:s3:::{name}",
        NetworkConfiguration={"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
    )  # fmt: skip
    hand.make("AWS::S3::AccessPoint", name, "s3control", "create_access_point", AccountId=hand.account, Name=name, Bucket=name)
    hand.make("AWS::IoT::Thing", name, "iot", "create_thing", thingName=name)
    hand.make("AWS::Location::Tracker", name, "location", "create_tracker", TrackerName=name)
    guard = {"blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
    hand.make("AWS::Bedrock::Guardrail", name, "bedrock", "create_guardrail", name=name, **guard)
    hand.make("AWS::Bedrock::Prompt", name, "bedrock-agent", "create_prompt", name=name)
    rule = {"Rules": [{"ResourceType": "collection", "Resource": [f"collection/c{hand.account}"]}], "AWSOwnedKey": True}
    hand.make(
        "AWS::OpenSearchServerless::SecurityPolicy", f"p{hand.account}", "opensearchserverless", "create_security_policy",
        name=f"p{hand.account}", type="encryption", policy=json.dumps(rule),
    )  # fmt: skip
    hand.make(
        "AWS::OpenSearchServerless::Collection", f"c{hand.account}", "opensearchserverless", "create_collection", name=f"c{hand.account}"
    )
