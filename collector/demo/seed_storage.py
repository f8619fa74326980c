"""Where data lies: S3, DynamoDB, RDS, EFS, ElastiCache, OpenSearch, Redshift."""

import json

from collector.demo.place import Place, pairs
from collector.demo.seed_network import Network


async def seed_buckets(here: Place) -> None:
    """A bucket with everything set and a secret inside, and a plain one."""
    for name in (f"{here.account.name}-records-{here.region}", f"{here.account.name}-scratch-{here.region}"):
        # us-east-1 is S3's default and is refused as a constraint.
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": here.region}}
        await here.call("s3", "create_bucket", Bucket=name, **({} if here.region == "us-east-1" else elsewhere))
        tags = here.tags(name)
        await here.call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": pairs(tags)})
        here.seeded("AWS::S3::Bucket", f"arn:aws:s3:::{name}", tags)

    records = f"{here.account.name}-records-{here.region}"
    await here.call("s3", "put_bucket_versioning", Bucket=records, VersioningConfiguration={"Status": "Enabled"})
    await here.call(
        "s3",
        "put_bucket_encryption",
        Bucket=records,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/records"}}]
        },
    )
    switches = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    everything = dict.fromkeys(switches, True)
    await here.call("s3", "put_public_access_block", Bucket=records, PublicAccessBlockConfiguration=everything)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TrailWrites",
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{records}/AWSLogs/*",
            }
        ],
    }
    await here.call("s3", "put_bucket_policy", Bucket=records, Policy=json.dumps(policy))
    await here.call(
        "s3",
        "put_bucket_lifecycle_configuration",
        Bucket=records,
        LifecycleConfiguration={"Rules": [{"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 30}}]},
    )
    await here.call("s3", "put_object", Bucket=records, Key="config/.env", Body=here.secret("s3-object").encode())


async def seed_tables(here: Place, *, count: int) -> None:
    """DynamoDB tables, with a secret in an item."""
    for number in range(count):
        name = f"orders-{number}"
        tags = here.tags(name)
        answer = await here.call(
            "dynamodb",
            "create_table",
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode=here.pick(f"billing of {name}", ("PAY_PER_REQUEST",)),
            Tags=pairs(tags),
        )
        here.seeded("AWS::DynamoDB::Table", answer["TableDescription"]["TableArn"], tags)
    item = {"id": {"S": "1"}, "token": {"S": here.secret("dynamodb-item")}}
    await here.call("dynamodb", "put_item", TableName="orders-0", Item=item)


async def seed_database(here: Place, network: Network) -> None:
    """A relational database with its subnet group and a snapshot."""
    tags = here.tags("orders-db")
    group = await here.call(
        "rds",
        "create_db_subnet_group",
        DBSubnetGroupName="orders",
        DBSubnetGroupDescription="private",
        SubnetIds=list(network.subnet_ids),
        Tags=pairs(tags),
    )
    here.seeded("AWS::RDS::DBSubnetGroup", group["DBSubnetGroup"]["DBSubnetGroupArn"], tags)
    database = await here.call(
        "rds",
        "create_db_instance",
        DBInstanceIdentifier="orders",
        DBInstanceClass="db.t3.medium",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="root_user",
        MasterUserPassword=here.secret("rds-password"),
        DBSubnetGroupName="orders",
        StorageEncrypted=True,
        Tags=pairs(tags),
    )
    here.seeded("AWS::RDS::DBInstance", database["DBInstance"]["DBInstanceArn"], tags)
    snapshot = await here.call(
        "rds",
        "create_db_snapshot",
        DBSnapshotIdentifier="orders-before-upgrade",
        DBInstanceIdentifier="orders",
        Tags=pairs(tags),
    )
    here.seeded("AWS::RDS::DBSnapshot", snapshot["DBSnapshot"]["DBSnapshotArn"], tags)


async def seed_file_system(here: Place) -> None:
    tags = here.tags("shared-files")
    answer = await here.call("efs", "create_file_system", CreationToken="shared-files", Encrypted=True, Tags=pairs(tags))
    here.seeded("AWS::EFS::FileSystem", answer["FileSystemArn"], tags)


async def seed_clusters(here: Place) -> None:
    """A cache, a search domain and a warehouse."""
    tags = here.tags("sessions")
    cache = await here.call(
        "elasticache",
        "create_cache_cluster",
        CacheClusterId="sessions",
        Engine="redis",
        CacheNodeType="cache.t3.micro",
        NumCacheNodes=1,
        AuthToken=here.secret("cache-auth-token"),
        Tags=pairs(tags),
    )
    here.seeded("AWS::ElastiCache::CacheCluster", cache["CacheCluster"]["ARN"], tags)

    tags = here.tags("catalogue")
    domain = await here.call(
        "opensearch",
        "create_domain",
        DomainName="catalogue",
        EngineVersion="OpenSearch_2.11",
        ClusterConfig={"InstanceType": "t3.small.search", "InstanceCount": 1},
        TagList=pairs(tags),
    )
    here.seeded("AWS::OpenSearchService::Domain", domain["DomainStatus"]["ARN"], tags)

    tags = here.tags("warehouse")
    await here.call(
        "redshift",
        "create_cluster",
        ClusterIdentifier="warehouse",
        NodeType="ra3.xlplus",
        ClusterType="single-node",
        MasterUsername="admin",
        MasterUserPassword="A1" + here.secret("redshift-password"),
        Tags=pairs(tags),
    )
    here.seeded("AWS::Redshift::Cluster", here.arn("redshift", "cluster:warehouse"), tags)
